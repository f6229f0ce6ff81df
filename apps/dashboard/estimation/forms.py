"""Forms for endpoints, estimation runs and sampling runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core.errors import DomainError
from apps.dashboard.forms import OnceForm, ServiceForm
from apps.estimation.sampling.services import MOST_PER_PROBLEM
from apps.estimation.strategies import STRATEGIES
from apps.inference.models import Endpoint
from apps.inference.services import SETTINGS
from apps.inference.transports import TRANSPORTS
from apps.projects.models import Project
from apps.runs.selection import ANSWERS


class EscapedText(forms.CharField):
    r"""A short text in which line breaks are written as \n, so that they are visible."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.replace("\n", "\\n") if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\\n", "\n")


class EndpointForm(ServiceForm):
    name = forms.CharField(max_length=60)
    url = forms.CharField(
        max_length=500, label="Base URL", help_text="The part before /completions, such as http://127.0.0.1:8080/v1"
    )
    model = forms.CharField(max_length=200, help_text="The name that the server uses.")
    api_key = forms.CharField(
        max_length=1000,
        required=False,
        label="API key",
        help_text="Stored encrypted, and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    transport = forms.ChoiceField(
        choices=[(transport.name, transport.title) for transport in TRANSPORTS.values()],
        initial="completions",
        widget=forms.RadioSelect,
    )
    max_in_flight = forms.IntegerField(
        min_value=1, max_value=10_000, initial=64, label="Concurrent requests", help_text="All workers together."
    )
    timeout_s = forms.FloatField(min_value=1, max_value=3600, initial=300, label="Request timeout, in seconds")
    price_in = forms.DecimalField(
        required=False, min_value=0, max_digits=12, decimal_places=6, label="Price per million prompt tokens"
    )
    price_out = forms.DecimalField(
        required=False, min_value=0, max_digits=12, decimal_places=6, label="Price per million completion tokens"
    )
    problem_template = EscapedText(
        initial="{problem}\n\n",
        label="Problem template",
        help_text=r"Must contain {problem}. \n is a line break.",
    )
    prefix_end = EscapedText(
        max_length=20, label="Text after a prefix", help_text=r"Most models need none; some need \n."
    )
    system_prompt = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 3}))
    sends_extras = forms.BooleanField(
        required=False, initial=True, label="Send top_k and min_p, which open-source servers support"
    )

    MORE = ("problem_template", "prefix_end", "system_prompt", "timeout_s", "price_in", "price_out", "sends_extras")

    def clean_problem_template(self) -> str:
        template = str(self.cleaned_data["problem_template"])
        if "{problem}" not in template:
            raise ValidationError("The template must contain {problem}.")
        return template

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in SETTINGS if name in self.cleaned_data}


class RunForm(OnceForm):
    """A form with the field `endpoint`: those that the project may use."""

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoints = self.fields["endpoint"]
        assert isinstance(endpoints, forms.ModelChoiceField)
        endpoints.queryset = Endpoint.objects.usable_in(project)


class SolutionRunForm(RunForm):
    """A form with the fields `answers` and `source`, which select solutions of the project."""

    def __init__(self, *args: Any, project: Project, sources: list[str], **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        source = self.fields["source"]
        assert isinstance(source, forms.ChoiceField)
        source.choices = [("", "any"), *((value, value) for value in sources)]
        if not sources:
            del self.fields["source"]

    @property
    def selection(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"answers": data.get("answers") or "any"} | ({"source": data["source"]} if data.get("source") else {})


class NewSamplingForm(RunForm):
    """Sample new solutions of all problems of the project."""

    endpoint = forms.ModelChoiceField(queryset=Endpoint.objects.none(), empty_label=None, label="Written by")
    per_problem = forms.IntegerField(
        min_value=1,
        max_value=MOST_PER_PROBLEM,
        initial=4,
        label="Solutions per problem",
        help_text="Duplicates are dropped.",
    )
    temperature = forms.FloatField(min_value=0, max_value=5, initial=1.0)
    max_tokens = forms.IntegerField(
        min_value=1,
        max_value=131_072,
        initial=1024,
        label="Maximum tokens per solution",
        help_text="Longer solutions are cut off and dropped.",
    )
    split = forms.ChoiceField(
        choices=[
            ("newline", "at each line"),
            ("blank_line", "at blank lines"),
            ("numbered", "at Step 1:, 1., (1)"),
        ],
        label="Split texts into steps",
    )
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="Empty: random. The run stores its seed."
    )

    def arguments(self) -> dict[str, Any]:
        """The arguments of `start_sampling`."""
        data = self.cleaned_data
        sampling = {"temperature": data["temperature"], "max_tokens": data["max_tokens"]}
        return {name: data[name] for name in ("endpoint", "per_problem", "split", "seed")} | {"sampling": sampling}


class NewRunForm(SolutionRunForm):
    """Of the strategies' options only `rollouts` is a field, as all have it; the API and the command take the rest."""

    endpoint = forms.ModelChoiceField(queryset=Endpoint.objects.none(), empty_label=None)
    strategy = forms.ChoiceField(
        choices=[(name, kind.title) for name, (kind, _) in STRATEGIES.items()],
        initial=next(iter(STRATEGIES)),
        widget=forms.RadioSelect,
    )
    rollouts = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1024,
        label="Rollouts per step",
        help_text="Empty: the strategy's default. For a search, the maximum average.",
    )
    answers = forms.ChoiceField(
        choices=[("any", "any"), *((name, name) for name in ANSWERS if name != "any")],
        label="Final answer",
    )
    source = forms.ChoiceField(required=False, label="Written by")
    temperature = forms.FloatField(min_value=0, max_value=5, initial=0.7)
    max_tokens = forms.IntegerField(min_value=1, max_value=131_072, initial=1024, label="Maximum tokens per rollout")
    answers_suffice = forms.BooleanField(
        required=False,
        initial=True,
        label="A right answer makes all steps good",
        help_text="Saves the rollouts of solutions with a right answer, but misses wrong steps in them: about 5 % of "
        "such solutions in school arithmetic, 12 % on MATH, over 25 % on olympiads. Math-Shepherd always rolls out.",
    )
    keeps_rollouts = forms.BooleanField(
        required=False,
        label="Keep the texts of rollouts",
        help_text="To read them next to each step. Takes disk space.",
    )
    budget_rollouts = forms.IntegerField(required=False, min_value=1, label="Pause after this many rollouts")
    budget_cost = forms.FloatField(required=False, min_value=0, label="Pause at this cost")

    def arguments(self) -> dict[str, Any]:
        """The arguments of `start_run`."""
        data = self.cleaned_data
        budget = {"rollouts": data["budget_rollouts"], "cost": data["budget_cost"]}
        return {
            "endpoint": data["endpoint"],
            "strategy": data["strategy"],
            "options": {"rollouts": data["rollouts"]} if data["rollouts"] else {},
            "sampling": {"temperature": data["temperature"], "max_tokens": data["max_tokens"]},
            "selection": self.selection,
            "budget": {name: value for name, value in budget.items() if value},
            "answers_suffice": data["answers_suffice"],
            "keeps_rollouts": data["keeps_rollouts"],
        }

    def add_domain_error(self, error: DomainError) -> None:
        renamed = {"options": "rollouts", "sampling": "temperature", "selection": "answers"}
        fields = {renamed.get(name, name): text for name, text in error.fields.items()}
        super().add_domain_error(DomainError(error.message, fields=fields))
