"""The terms of a round, as a manager fills them in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.facets import Facets
from apps.dashboard.forms import OnceForm, ServiceForm
from apps.dashboard.rounds.protocol_forms import ProtocolForm
from apps.inference.models import Endpoint
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.config import PASS_MARK, RoundConfig
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Guideline, Membership, Project
from apps.quality.review.queues import KINDS

ANY = ("", "any")
# What the number of a round's tasks and submissions hangs on, besides its selection and its protocol's settings.
_COUNTED = ("protocol", "redundancy", "gold_percent", "is_screening", "needs_screening", "skills", "labelers")


class SelectionForm(ServiceForm):
    """Which solutions become tasks, as fields; `select` is the same in the line that commands and API take."""

    answer = forms.ChoiceField(
        required=False, label="Final answer", choices=[ANY, ("right", "right"), ("wrong", "wrong")]
    )
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    unlabeled = forms.BooleanField(required=False, label="Only what nobody has labeled yet")
    unsure = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="Unsure in run",
        help_text="Number of an estimation run: what its search is not sure of.",
    )
    first = forms.ChoiceField(
        required=False,
        label="Come first",
        choices=[
            ("", "the oldest"),
            ("convincing", "convincing wrong answers"),
            ("wrong", "wrong answers"),
            ("right", "right answers"),
        ],
        help_text="Convincing: wrong, and the highest verifier score first.",
    )
    dispute = forms.ChoiceField(
        required=False, label="In dispute", choices=[ANY, *((name, kind.title) for name, kind in KINDS.items())]
    )
    sample = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="At most",
        help_text="A random sample of so many, the same each time. Empty: all.",
    )

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in (
            ("source", facets.sources),
            ("subject", facets.subjects),
            ("level", facets.levels),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            # A comma parts the terms of a selection: what holds one cannot be named in it.
            field.choices = [ANY, *((value, value) for value in values if "," not in value)]
            if not values:
                del self.fields[name]

    @property
    def select(self) -> str:
        data = self.cleaned_data
        words = [data["answer"]] if data.get("answer") else []
        words += [f"{name}:{data[name]}" for name in ("source", "subject", "level") if data.get(name)]
        words += ["unlabeled"] if data.get("unlabeled") else []
        words += [f"unsure:{data['unsure']}"] if data.get("unsure") else []
        words += [f"first:{data['first']}"] if data.get("first") else []
        words += [f"dispute:{data['dispute']}"] if data.get("dispute") else []
        words += [f"sample:{data['sample']}"] if data.get("sample") else []
        return ",".join(words) or "all"


def selection_fields(select: str) -> dict[str, Any]:
    """A stored selection as the form's fields; a term that they have no place for is left out."""
    chosen = Selection.parse(select)
    found: dict[str, Any] = {
        "sample": chosen.sample,
        "first": ":".join(filter(None, chosen.first[0])) if chosen.first else "",
    }
    for name, value in chosen.terms:
        found |= {"answer": name} if name in ("right", "wrong") else {name: value or True}
    return found


def _percent(share: float) -> float:
    """Without a fraction where it has none: a field shows 75 and not 75.0."""
    percent = round(100 * share, 4)
    return int(percent) if percent == int(percent) else percent


class GuidelineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"version {obj.version}"


class RoundForm(SelectionForm, ProtocolForm, OnceForm):
    """All terms; the service says what cannot be."""

    name = forms.CharField(max_length=200, required=False, help_text="As labelers see it.")
    protocol = forms.ChoiceField(
        choices=[(name, protocol.title) for name, protocol in PROTOCOLS.items()],
        initial="first_error",
        widget=forms.RadioSelect,
    )
    redundancy = forms.IntegerField(min_value=1, max_value=100, initial=1, label="People per solution")
    most_people = forms.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        label="Up to, where they disagree",
        help_text="More are asked only about solutions on which people do not agree. Empty: nobody more.",
    )
    gold_percent = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=0,
        label="Gold",
        help_text="Percent of the tasks that have known labels.",
    )
    lease_minutes = forms.IntegerField(
        min_value=1,
        max_value=1440,
        initial=20,
        label="Minutes to hold a task",
        help_text="Whoever is silent for so long gives it back.",
    )
    show_reference = forms.BooleanField(required=False, initial=True, label="Labelers see the reference answer")
    guideline = GuidelineField(
        queryset=Guideline.objects.none(), required=False, label="Guidelines", empty_label="the newest when it opens"
    )
    mode = forms.ChoiceField(
        required=False, choices=Round.Mode.choices, initial=Round.Mode.BLIND, label="What they see of others"
    )
    endpoint = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(),
        required=False,
        empty_label="none",
        help_text="Continues a prefix while labelers read, where the protocol wants candidates.",
    )
    is_screening = forms.BooleanField(
        required=False, label="This is a screening", help_text="A test over what is selected and has gold labels."
    )
    pass_percent = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=_percent(PASS_MARK),
        required=False,
        label="Pass mark",
        help_text="Percent of agreement with gold. PRM800K asked for 75.",
    )
    tries = forms.IntegerField(min_value=1, max_value=100, initial=1, required=False, label="Tries")
    needs_screening = forms.BooleanField(required=False, label="Only those who have passed the screening")
    skills = forms.CharField(
        required=False, max_length=1000, help_text="With commas. Only members who have all of them.", strip=True
    )
    labelers = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Only these people",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: everybody who may label here.",
    )
    allows_corrections = forms.BooleanField(
        required=False, initial=True, label="Labelers may correct what they submitted, while the round is open"
    )

    field_order = [
        "name",
        "protocol",
        "answer",
        "source",
        "subject",
        "level",
        "unlabeled",
        "unsure",
        "first",
        "dispute",
        "sample",
        "redundancy",
    ]

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = User.objects.filter(
            memberships__project=project, memberships__status=Membership.Status.ACTIVE
        ).order_by("name", "email")
        choices = {
            "guideline": project.guidelines.defer("text"),
            "endpoint": _endpoints(project),
            "labelers": members,
        }
        for name, queryset in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset

    def terms(self) -> dict[str, Any]:
        """As `Terms` takes them. What only a screening has is left out of other rounds."""
        data = self.cleaned_data
        names = (
            "name",
            "protocol",
            "redundancy",
            "most_people",
            "lease_minutes",
            "show_reference",
            "guideline",
            "endpoint",
            "is_screening",
            "needs_screening",
            "allows_corrections",
        )
        terms = {name: data[name] for name in names} | {
            "select": self.select,
            "mode": data["mode"] or Round.Mode.BLIND.value,
            "gold_share": data["gold_percent"] / 100,
            "skills": [skill.strip() for skill in data["skills"].split(",") if skill.strip()],
            "labelers": list(data["labelers"]),
            "options": self.settings(),
        }
        if not data["is_screening"]:
            return terms
        mark = data["pass_percent"]
        return terms | {"pass_mark": None if mark is None else mark / 100, "tries": data["tries"] or 1}

    def unsaved(self, project: Project) -> Round | None:
        """A round of these terms to count what it would make; None where what that hangs on cannot be read.

        An empty field counts as it does at first.
        """
        self.is_valid()
        counted = {*SelectionForm.base_fields, *ProtocolForm.base_fields, *_COUNTED}
        if any(name in counted and self[name].data not in (None, "", []) for name in self.errors):
            return None
        initial = {name: None if field.required is False else field.initial for name, field in self.fields.items()}
        self.cleaned_data = initial | self.cleaned_data
        terms = RoundConfig(**self.terms()).settled()
        return Round(project=project, **terms.stored())

    def add_domain_error(self, error: DomainError) -> None:
        """The form has percents where the service has shares."""
        renamed = {"gold_share": "gold_percent", "pass_mark": "pass_percent"}
        fields = {renamed.get(name, name): text for name, text in error.fields.items()}
        super().add_domain_error(DomainError(error.message, code=error.code, fields=fields))


def _endpoints(project: Project) -> QuerySet[Endpoint]:
    """Those that the project may use, and those of its drafts: where a grant was taken back, the service says so."""
    usable = Endpoint.objects.usable_in(project).values("pk")
    drafts = Round.objects.filter(project=project, status=Round.Status.DRAFT).values("endpoint")
    return Endpoint.objects.filter(Q(pk__in=usable) | Q(pk__in=drafts)).order_by("name")


def initial_of(round_: Round) -> dict[str, Any]:
    """A draft's terms, as the form shows them."""
    terms = RoundConfig.of(round_)
    names = (
        "name",
        "protocol",
        "redundancy",
        "most_people",
        "lease_minutes",
        "show_reference",
        "guideline",
        "mode",
        "endpoint",
        "is_screening",
        "needs_screening",
        "allows_corrections",
        "tries",
        "labelers",
    )
    return (
        {name: getattr(terms, name) for name in names}
        | selection_fields(terms.select)
        | dict(terms.options)
        | {
            "gold_percent": _percent(terms.gold_share),
            "pass_percent": None if terms.pass_mark is None else _percent(terms.pass_mark),
            "skills": ", ".join(terms.skills),
        }
    )
