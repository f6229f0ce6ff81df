"""Asking for an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.core.structs import default_of, description_of, limits_of
from apps.dashboard.forms import OnceForm
from apps.evaluation.kinds import KINDS
from apps.evaluation.models import EvaluationKind
from apps.evaluation.options import TRUTH_TITLES, EvaluationOptions, PartProperty
from apps.evaluation.sources.scorers import VERIFIER_SCORE

# Options whose value in the form is that of the struct; `threshold` is empty for None.
OPTIONS = ("scorer", "truth", "by", "threshold", "dev_share", "source", "max_n")
SCORER_TITLES = {VERIFIER_SCORE: "scores that came with a file"}


def _number(name: str, label: str, kind: type[forms.IntegerField]) -> Any:
    return kind(
        label=label,
        initial=default_of(EvaluationOptions, name),
        required=default_of(EvaluationOptions, name) is not None,
        help_text=description_of(EvaluationOptions, name),
        **limits_of(EvaluationOptions, name),
    )


class EvaluationForm(OnceForm):
    kind = forms.ChoiceField(choices=EvaluationKind.choices, initial=EvaluationKind.PROCESSBENCH)
    scorer = forms.ChoiceField(required=False, label="Scorers", help_text="Reward models and scores of solutions.")
    truth = forms.ChoiceField(choices=[(truth.value, title) for truth, title in TRUTH_TITLES.items()])
    by = forms.ChoiceField(
        choices=[(part.value, part.value) for part in PartProperty],
        label="Parts",
        help_text=description_of(EvaluationOptions, "by"),
    )
    threshold = _number("threshold", "Threshold of reward models", forms.FloatField)
    dev_share = _number("dev_share", "Share of the dev part", forms.FloatField)
    source = forms.ChoiceField(required=False, label="Solutions by")
    max_n = _number("max_n", "Largest N", forms.IntegerField)

    def __init__(self, *args: Any, scorers: Sequence[str], sources: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[str, str]]] = {
            "scorer": [("", "all"), *((name, SCORER_TITLES.get(name, name)) for name in scorers)],
            "source": [("", "all writers"), *((source, source) for source in sources)],
        }
        for name, options in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = options
        self.fields["threshold"].help_text = "From 0 to 1. Without one it is chosen on the dev part."

    @property
    def options(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in OPTIONS}

    @property
    def kinds(self) -> list[tuple[str, str, str]]:
        """Value, title and a sentence about each kind."""
        return [(value, str(title), KINDS[value].about) for value, title in EvaluationKind.choices]
