"""The form of a new scoring run."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.dashboard.estimation.forms import SolutionRunForm
from apps.inference.models import Endpoint
from apps.inference.scorers import SCORERS
from apps.inference.scorers.prompt import PRESET_TITLES
from apps.projects.models import Project
from apps.runs.selection import ANSWERS
from apps.scoring.models import REDUCER_CHOICES, RewardModel


class NewScoringForm(SolutionRunForm):
    """The parts of a prompt and the options of a kind have no fields: the API and the command take them."""

    endpoint = forms.ModelChoiceField(queryset=Endpoint.objects.none(), empty_label=None, label="Reward model")
    kind = forms.ChoiceField(
        choices=[(name, scorer.title) for name, scorer in SCORERS.items()],
        initial=next(iter(SCORERS)),
        widget=forms.RadioSelect,
    )
    preset = forms.ChoiceField(
        required=False,
        choices=[("", "the usual one of the kind"), *PRESET_TITLES.items()],
        label="Prompt",
        help_text="As the model was trained. Plain JSON has none.",
    )
    reducer = forms.ChoiceField(choices=REDUCER_CHOICES, label="Score of a solution")
    answers = forms.ChoiceField(
        choices=[("any", "any"), *((name, name) for name in ANSWERS if name != "any")], label="Final answer"
    )
    source = forms.ChoiceField(required=False, label="Written by")
    replaces_imported = forms.BooleanField(
        required=False,
        label="Replace scores that came with a file",
        help_text="Otherwise a solution with an imported score keeps it; the scores of its steps are stored all the same.",
    )
    is_default = forms.BooleanField(
        required=False,
        label="Make it the project's reward model",
        help_text="The reward endpoint of the API asks it unless another is named.",
    )
    budget_requests = forms.IntegerField(required=False, min_value=1, label="Pause after this many requests")
    budget_cost = forms.FloatField(required=False, min_value=0, label="Pause at this cost")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        own = RewardModel.objects.filter(project=project).first()
        if own is not None:
            self.initial.update({"endpoint": own.endpoint_id, "kind": own.kind})

    @property
    def prompt(self) -> dict[str, Any]:
        preset = self.cleaned_data["preset"]
        return {"preset": preset} if preset else {}

    def arguments(self) -> dict[str, Any]:
        """The arguments of `start_scoring`."""
        data = self.cleaned_data
        budget = {"requests": data["budget_requests"], "cost": data["budget_cost"]}
        return {
            "endpoint": data["endpoint"],
            "kind": data["kind"],
            "prompt": self.prompt,
            "reducer": data["reducer"],
            "replaces_imported": data["replaces_imported"],
            "selection": self.selection,
            "budget": {name: value for name, value in budget.items() if value},
        }

    def add_domain_error(self, error: DomainError) -> None:
        renamed = {"prompt": "preset", "selection": "answers", "budget": "budget_cost"}
        fields = {renamed.get(name, name): text for name, text in error.fields.items()}
        super().add_domain_error(DomainError(error.message, fields=fields))
