"""The form for a round's settings."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.structs import default_of, description_of, limits_of
from apps.corpus.facets import Facets
from apps.dashboard.forms import ANY, OnceForm, ServiceForm, set_facet_choices
from apps.dashboard.rounds.protocol_forms import ProtocolForm
from apps.inference.models import Endpoint
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.config import PASS_MARK, RoundConfig
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Guideline, Membership, Project
from apps.quality.review.queues import KINDS

# The number of a round's tasks and submissions depends on these, on its selection and on its protocol's options.
_COUNTED = ("protocol", "redundancy", "gold_percent", "kind", "needs_screening", "skills", "labelers")


class SelectionForm(ServiceForm):
    """Which solutions become tasks, as fields; `select` is the same as one line, as commands and the API take it."""

    answer = forms.ChoiceField(
        required=False, label="Final answer", choices=[ANY, ("right", "right"), ("wrong", "wrong")]
    )
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    unlabeled = forms.BooleanField(required=False, label="Only solutions without labels")
    unsure = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="Unsure in run",
        help_text="The number of an estimation run: solutions whose first error its search is not sure of.",
    )
    first = forms.ChoiceField(
        required=False,
        label="Served first",
        choices=[
            ("", "the oldest"),
            ("convincing", "convincing wrong answers"),
            ("wrong", "wrong answers"),
            ("right", "right answers"),
            ("dispute:monte_carlo_judge", "those in which Monte Carlo and a judge differ"),
        ],
        help_text="Convincing: wrong answers, the highest verifier score first.",
    )
    dispute = forms.ChoiceField(
        required=False, label="In dispute", choices=[ANY, *((name, kind.title) for name, kind in KINDS.items())]
    )
    cascade = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        label="Left to people by cascade",
        help_text="The number of a cascade: solutions that its machines do not label.",
    )
    sample = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="Sample size",
        help_text="Only so many, the same ones each time. Empty: all.",
    )
    by = forms.ChoiceField(
        required=False,
        label="Sample chosen by",
        choices=[
            ("", "chance"),
            ("convincing", "convincing wrong answers"),
            ("uncertainty", "uncertainty"),
            ("disagreement", "disagreement"),
        ],
        help_text="Convincing: four fifths wrong answers and one fifth others, the highest verifier scores of each "
        "problem, as PRM800K chose them. Uncertainty: the first error that rollouts or scores know least. Disagreement: "
        "most disputed by rollouts, judges, people and gold.",
    )

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A comma separates the terms of a selection, so that a value with a comma cannot be selected.
        selectable = ([value for value in values if "," not in value] for values in astuple(facets))
        set_facet_choices(self, Facets(*selectable))

    @property
    def select(self) -> str:
        data = self.cleaned_data
        terms = [data["answer"]] if data.get("answer") else []
        terms += [f"{name}:{data[name]}" for name in ("source", "subject", "level") if data.get(name)]
        terms += ["unlabeled"] if data.get("unlabeled") else []
        terms += [f"unsure:{data['unsure']}"] if data.get("unsure") else []
        terms += [f"cascade:{data['cascade']}"] if data.get("cascade") else []
        terms += [f"first:{data['first']}"] if data.get("first") else []
        terms += [f"by:{data['by']}"] if data.get("by") else []
        terms += [f"dispute:{data['dispute']}"] if data.get("dispute") else []
        terms += [f"sample:{data['sample']}"] if data.get("sample") else []
        return ",".join(terms) or "all"


def selection_fields(select: str) -> dict[str, Any]:
    """A stored selection as the form's fields; terms without a field are left out."""
    selection = Selection.parse(select)
    fields: dict[str, Any] = {
        "sample": selection.sample,
        "by": selection.by,
        "first": ":".join(filter(None, selection.first[0])) if selection.first else "",
    }
    for name, value in selection.terms:
        fields |= {"answer": name} if name in ("right", "wrong") else {name: value or True}
    return fields


def _percent(share: float) -> float:
    """The share in percent, as an integer where it is one: a field shows 75 and not 75.0."""
    percent = round(100 * share, 4)
    return int(percent) if percent == int(percent) else percent


def _setting(name: str) -> dict[str, Any]:
    """The bounds, the initial value and the help text of a field, as `RoundConfig` declares them."""
    return {
        "initial": default_of(RoundConfig, name),
        "help_text": description_of(RoundConfig, name),
        **limits_of(RoundConfig, name),
    }


def _percent_limits(name: str) -> dict[str, Any]:
    return {argument: _percent(limit) for argument, limit in limits_of(RoundConfig, name).items()}


class GuidelineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"version {obj.version}"


class RoundForm(SelectionForm, ProtocolForm, OnceForm):
    """All settings of a round; the service checks those that depend on each other."""

    name = forms.CharField(**_setting("name"), required=False)
    protocol = forms.ChoiceField(
        choices=[(name, protocol.title) for name, protocol in PROTOCOLS.items()],
        initial="first_error",
        widget=forms.RadioSelect,
    )
    redundancy = forms.IntegerField(**limits_of(RoundConfig, "redundancy"), initial=1, label="People per task")
    most_people = forms.IntegerField(
        **_setting("most_people"), required=False, label="Most people, where they disagree"
    )
    gold_percent = forms.FloatField(
        **_percent_limits("gold_share"),
        initial=0,
        label="Gold",
        help_text="Percent of gold tasks among the tasks served.",
    )
    lease_minutes = forms.IntegerField(**_setting("lease_minutes"), label="Lease, in minutes")
    show_reference = forms.BooleanField(required=False, initial=True, label="Labelers see the reference answer")
    guideline = GuidelineField(
        queryset=Guideline.objects.none(), required=False, label="Guidelines", empty_label="the newest when it opens"
    )
    mode = forms.ChoiceField(required=False, choices=Round.Mode.choices, initial=Round.Mode.BLIND, label="Mode")
    endpoint = forms.ModelChoiceField(
        queryset=Endpoint.objects.none(),
        required=False,
        empty_label="none",
        help_text=description_of(RoundConfig, "endpoint"),
    )
    kind = forms.ChoiceField(
        choices=[
            (Round.Kind.WORK, "work: its submissions become labels"),
            (Round.Kind.SCREENING, "screening test: gold that labelers must get right before work"),
            (Round.Kind.TRAINING, "training: gold, whose answer is shown after each submission"),
        ],
        initial=Round.Kind.WORK,
        label="Kind of round",
        help_text="Screenings and training have only the gold among the selected solutions.",
    )
    pass_percent = forms.FloatField(
        **_percent_limits("pass_mark"),
        initial=_percent(PASS_MARK),
        required=False,
        label="Pass mark",
        help_text="Percent of agreement with gold that passes. PRM800K used 75.",
    )
    tries = forms.IntegerField(**limits_of(RoundConfig, "tries"), initial=1, required=False, label="Attempts")
    needs_screening = forms.BooleanField(required=False, label="Only labelers who have passed the screening")
    skills = forms.CharField(
        required=False,
        max_length=1000,
        help_text=f"Separated by commas. {description_of(RoundConfig, 'skills')}",
        strip=True,
    )
    labelers = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Only these people",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: everyone who may label in the project.",
    )
    allows_corrections = forms.BooleanField(
        required=False, initial=True, label="Labelers may correct what they submitted while the round is open"
    )
    fresh_eyes = forms.BooleanField(
        required=False, label="Nobody gets a solution that they have labeled in another round"
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
        "cascade",
        "sample",
        "by",
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

    def config(self) -> dict[str, Any]:
        """The settings as `RoundConfig` takes them. Settings of screenings are left out of other rounds."""
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
            "kind",
            "needs_screening",
            "allows_corrections",
            "fresh_eyes",
        )
        config = {name: data[name] for name in names} | {
            "select": self.select,
            "mode": data["mode"] or Round.Mode.BLIND.value,
            "gold_share": data["gold_percent"] / 100,
            "skills": [skill.strip() for skill in data["skills"].split(",") if skill.strip()],
            "labelers": list(data["labelers"]),
            "options": self.protocol_options(),
        }
        if data["kind"] != Round.Kind.SCREENING:
            return config
        mark = data["pass_percent"]
        return config | {"pass_mark": None if mark is None else mark / 100, "tries": data["tries"] or 1}

    def unsaved(self, project: Project) -> Round | None:
        """A round with these settings, to count its tasks; None if a setting that the count needs is invalid.

        An empty field counts with its initial value.
        """
        self.is_valid()
        counted = {*SelectionForm.base_fields, *ProtocolForm.base_fields, *_COUNTED}
        if any(name in counted and self[name].data not in (None, "", []) for name in self.errors):
            return None
        initial = {name: None if field.required is False else field.initial for name, field in self.fields.items()}
        self.cleaned_data = initial | self.cleaned_data
        config = RoundConfig(**self.config()).normalized()
        return Round(project=project, **config.columns())

    def add_domain_error(self, error: DomainError) -> None:
        """The form has percents where the service has shares."""
        renamed = {"gold_share": "gold_percent", "pass_mark": "pass_percent"}
        fields = {renamed.get(name, name): text for name, text in error.fields.items()}
        super().add_domain_error(DomainError(error.message, code=error.code, fields=fields))


def _endpoints(project: Project) -> QuerySet[Endpoint]:
    """The endpoints that the project may use, and those of its drafts: if a grant was revoked, the service reports it."""
    usable = Endpoint.objects.usable_in(project).values("pk")
    drafts = Round.objects.filter(project=project, status=Round.Status.DRAFT).values("endpoint")
    return Endpoint.objects.filter(Q(pk__in=usable) | Q(pk__in=drafts)).order_by("name")


def initial_of(round_: Round) -> dict[str, Any]:
    """A draft's settings as the form shows them."""
    config = RoundConfig.of(round_)
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
        "kind",
        "needs_screening",
        "allows_corrections",
        "fresh_eyes",
        "tries",
        "labelers",
    )
    return (
        {name: getattr(config, name) for name in names}
        | selection_fields(config.select)
        | dict(config.options)
        | {
            "gold_percent": _percent(config.gold_share),
            "pass_percent": None if config.pass_mark is None else _percent(config.pass_mark),
            "skills": ", ".join(config.skills),
        }
    )
