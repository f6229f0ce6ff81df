"""Forms of judges: a new run, the playground, and the budget of a run that is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django import forms
from django.http import QueryDict

from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.dashboard.estimation.forms import RunForm, SolutionRunForm
from apps.dashboard.forms import ServiceForm
from apps.inference.models import Endpoint
from apps.judging.engine.engine import MOST_ATTEMPTS
from apps.judging.judges import judge_prompt
from apps.judging.kinds import KINDS
from apps.judging.models import Constitution, Judge
from apps.judging.own_prompts import edited_prompt, own_prompts
from apps.judging.parsers import PARSERS
from apps.judging.prompts import JudgePrompt, newest_prompts
from apps.projects.models import Project
from apps.runs.selection import ANSWERS

TEXTS = ("system", "user", "revision")
OPTIONS = ("votes", "revisions", "temperature", "max_tokens")
USUAL_KIND = "steps"


class PromptText(forms.CharField):
    """A text of a prompt. Browsers send line breaks as CR LF, which a model would read."""

    def __init__(self, label: str, *, rows: int, help_text: str = "") -> None:
        attributes = {"rows": rows, "class": "source", "spellcheck": "false"}
        super().__init__(
            required=False,
            strip=False,
            max_length=20_000,
            label=label,
            help_text=help_text,
            widget=forms.Textarea(attrs=attributes),
        )

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")

    def prepare_value(self, value: Any) -> Any:
        # A browser drops a line break at the very beginning of a textarea.
        return f"\n{value}" if isinstance(value, str) and value.startswith("\n") else value


class JudgeForm(RunForm):
    """The settings of a judge. Fields of the other kinds are hidden by styles, and not read.

    The texts of the chosen prompt can be edited in place. `texts_of` names the prompt whose texts the fields were filled
    with, so that a change of the prompt is told apart from a change of its text.
    """

    endpoint = forms.ModelChoiceField(queryset=Endpoint.objects.none(), empty_label=None, label="Model")
    kind = forms.ChoiceField(
        choices=[(name, kind.title) for name, kind in KINDS.items()], initial=USUAL_KIND, widget=forms.RadioSelect
    )
    prompt = forms.ChoiceField()
    texts_of = forms.CharField(required=False, max_length=130, widget=forms.HiddenInput)
    system = PromptText("System message", rows=8)
    user = PromptText("Request", rows=14)
    revision = PromptText("Request for the revision", rows=12)
    votes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=64,
        initial=1,
        help_text="Replies for each item, of which the most frequent wins. Comparisons are asked in both orders each time.",
    )
    revisions = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=8,
        initial=1,
        help_text="Rounds of critique and revision, each by another principle.",
    )
    temperature = forms.FloatField(
        required=False, min_value=0, max_value=2, help_text="Empty: 0 for one reply, 1 for several votes."
    )
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=131_072, label="Tokens per reply", help_text="Empty: as the prompt says."
    )
    constitution = forms.ModelChoiceField(
        required=False, queryset=Constitution.objects.none(), empty_label="the newest, else the one in the box"
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        self.project = project
        first = Endpoint.objects.usable_in(project).first_judge()
        if first is not None:
            self.initial.setdefault("endpoint", first.pk)
        constitutions = self.fields["constitution"]
        assert isinstance(constitutions, forms.ModelChoiceField)
        constitutions.queryset = Constitution.objects.filter(project=project).order_by("-pk")
        self.prompts = {key_of(prompt): prompt for prompt in (*newest_prompts(), *own_prompts(project))}
        prompts = self.fields["prompt"]
        assert isinstance(prompts, forms.ChoiceField)
        kind = self["kind"].value()
        kind = kind if kind in KINDS else USUAL_KIND
        if self.is_bound:
            self._choose_prompt(kind)
        else:
            self._fill_in(kind)
        prompts.choices = [
            (key, f"{prompt.title} ({key})") for key, prompt in self.prompts.items() if prompt.kind == kind
        ]

    @property
    def chosen(self) -> JudgePrompt:
        """The prompt that is chosen now, before its texts are edited."""
        return self.prompts.get(str(self["prompt"].value() or "")) or self._usual(str(self["kind"].value()))

    @property
    def chosen_parser(self) -> dict[str, str]:
        """What reads the replies. Not the parser itself: a template calls what can be called."""
        parser = PARSERS[self.chosen.parser]
        return {"title": parser.title, "about": parser.about}

    @property
    def is_edited(self) -> bool:
        """Whether the texts on the page differ from those of the prompt that they came from."""
        base = self.prompts.get(str(self["texts_of"].value() or ""))
        if base is None or not self.is_bound:
            return False
        return any(self.fields[name].to_python(self[name].value()) != getattr(base, name) for name in self._texts(base))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        base = self.prompts.get(cleaned.get("texts_of", ""))
        if base is None or base.kind != cleaned.get("kind") or not self.is_edited:
            return cleaned
        if cleaned.get("prompt") != key_of(base):
            self.add_error("prompt", f"The text below is an edited {key_of(base)}: choose that, or undo the edits.")
        return cleaned

    def judge_values(self) -> dict[str, Any]:
        """The arguments of `save_judge` and `draft_judge`. Raises DomainError if an edited prompt cannot work."""
        data = self.cleaned_data
        base, known = self.prompts[data["prompt"]], KINDS[data["kind"]].option_type.__struct_fields__
        texts = {name: data[name] for name in self._texts(base)} if self.is_edited else {}
        return {
            "project": self.project,
            "endpoint": data["endpoint"],
            "kind": data["kind"],
            "name": data.get("name", ""),
            "prompt": msgspec.to_builtins(edited_prompt(self.project, base, texts)),
            "options": {name: data[name] for name in OPTIONS if name in known and data[name] is not None},
            "constitution": data["constitution"],
        }

    def add_domain_error(self, error: DomainError) -> None:
        renamed = {"options": "votes", "selection": "answers", "budget": "budget_cost"}
        fields = {renamed.get(name, name): text for name, text in error.fields.items()}
        super().add_domain_error(DomainError(error.message, fields=fields))

    def _texts(self, prompt: JudgePrompt) -> list[str]:
        return [name for name in TEXTS if name != "revision" or prompt.kind == "critique-revise"]

    def _fill_in(self, kind: str) -> None:
        """The initial prompt with its texts."""
        prompt = self.prompts.get(str(self.get_initial_for_field(self.fields["prompt"], "prompt") or ""))
        if prompt is None or prompt.kind != kind:
            prompt = self._usual(kind)
        self.initial = {**self.initial, "kind": kind, **_filled(prompt)}

    def _choose_prompt(self, kind: str) -> None:
        """A prompt of another kind gives way to the usual one of the chosen kind, with its texts."""
        sent = self.prompts.get(self.data.get(self.add_prefix("prompt"), ""))
        if sent is None or sent.kind != kind:
            self._send(_filled(self._usual(kind)))
        elif not self.is_edited and self["texts_of"].value() != key_of(sent):
            self._send(_filled(sent))

    def _send(self, values: Mapping[str, str]) -> None:
        """As if the browser had sent these values."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        for name, value in values.items():
            data[self.add_prefix(name)] = value
        self.data = data

    def _usual(self, kind: str) -> JudgePrompt:
        """The usual prompt of the kind, or of the first endpoint's model."""
        kind = kind if kind in KINDS else USUAL_KIND
        usable = Endpoint.objects.usable_in(self.project)
        endpoint = usable.filter(pk=parse_id(str(self["endpoint"].value() or "")) or 0).first() or usable.first_judge()
        return judge_prompt(endpoint or Endpoint(), kind, None)


class NewJudgeRunForm(JudgeForm, SolutionRunForm):
    """Other settings of a run have no fields: the API and the command take them."""

    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name of the judge",
        help_text="Empty: that of the model. Other settings under a name that exists make its next version.",
    )
    answers = forms.ChoiceField(
        choices=[("any", "any"), *((name, name) for name in ANSWERS if name != "any")], label="Final answer"
    )
    source = forms.ChoiceField(required=False, label="Written by")
    pairs = forms.ChoiceField(
        choices=[
            ("existing", "comparisons that exist"),
            ("right_wrong", "a right and a wrong solution"),
            ("score", "a higher and a lower verifier score"),
            ("random", "any two solutions"),
        ],
        label="What is compared",
        required=False,
    )
    each = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1000,
        initial=1,
        label="New pairs per problem",
        help_text="Has no effect on comparisons that exist.",
    )
    attempts = forms.IntegerField(
        min_value=1,
        max_value=MOST_ATTEMPTS,
        initial=3,
        help_text="How often an unreadable reply is asked for, at most.",
    )
    uses_schema = forms.BooleanField(
        required=False,
        initial=True,
        label="Hold the model to the prompt's JSON schema",
        help_text="Where the prompt has one and the server can. The reply is read the same way without it.",
    )
    budget_requests = forms.IntegerField(required=False, min_value=1, label="Pause after this many requests")
    budget_cost = forms.FloatField(required=False, min_value=0, label="Pause at this cost")

    @property
    def run_selection(self) -> dict[str, Any]:
        """Solutions, and for a judge that compares also pairs."""
        data = self.cleaned_data
        pairs = {"pairs": data["pairs"] or "existing", "each": data["each"] or 1}
        return self.selection | (pairs if KINDS[data["kind"]].of == "comparison" else {})

    def run_values(self) -> dict[str, Any]:
        """The arguments of `start_judging`, without the judge."""
        data = self.cleaned_data
        budget = {"requests": data["budget_requests"], "cost": data["budget_cost"]}
        return {
            "options": {"attempts": data["attempts"], "uses_schema": data["uses_schema"]},
            "selection": self.run_selection,
            "budget": {name: value for name, value in budget.items() if value},
        }


class PlaygroundForm(JudgeForm):
    """A stored judge or own settings, and one solution or comparison."""

    judge = forms.ModelChoiceField(required=False, queryset=Judge.objects.none(), empty_label="settings of your own")
    solution = forms.IntegerField(required=False, min_value=1, max_value=2**62, help_text="The number in its address.")
    comparison = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        judges = self.fields["judge"]
        assert isinstance(judges, forms.ModelChoiceField)
        # Those that can be asked.
        asked = Judge.objects.filter(project=project, endpoint__isnull=False, archived_at=None)
        asked = asked.exclude(kind__in=["", Judge.Kind.CHORUS])
        judges.queryset = asked.select_related("endpoint", "constitution", "project").order_by("name", "-version")
        if self.is_bound and self["judge"].value():
            # The own settings are hidden.
            for name in ("endpoint", "kind", "prompt"):
                self.fields[name].required = False


class ResumeForm(ServiceForm):
    """The budget of a run that is resumed; an empty field is no limit."""

    requests = forms.IntegerField(required=False, min_value=1, label="Pause after this many requests")
    cost = forms.FloatField(required=False, min_value=0, label="Pause at this cost")


def key_of(prompt: JudgePrompt) -> str:
    return f"{prompt.name} v{prompt.version}"


def _filled(prompt: JudgePrompt) -> dict[str, str]:
    """The values of the fields of a prompt that nobody has edited."""
    texts = {name: str(getattr(prompt, name)) for name in TEXTS}
    return {"prompt": key_of(prompt), "texts_of": key_of(prompt)} | texts
