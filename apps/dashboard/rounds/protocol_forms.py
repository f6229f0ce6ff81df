"""The settings of the protocols, in the form that drafts a round."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm

_SAMPLING = ("candidates", "temperature", "max_tokens")
# By protocol: which fields are its settings. What others' fields say is left aside.
SETTINGS = {
    "branching": (*_SAMPLING, "writes", "starts_from"),
    "comparison": ("pairs", "each", "seed", "rationale", "ties"),
    "first_error": (*_SAMPLING, "alternatives", "progress", "critiques"),
}


class ProtocolForm(ServiceForm):
    """Fields of all protocols; the page shows those of the one that is chosen."""

    starts_from = forms.ChoiceField(
        required=False,
        label="Starts from",
        choices=[("solutions", "solutions and their candidates"), ("problems", "problems alone")],
        initial="solutions",
    )
    writes = forms.BooleanField(required=False, initial=True, label="Labelers may write the step where none is great")
    alternatives = forms.BooleanField(required=False, label="Rate alternatives for the bad step")
    progress = forms.BooleanField(required=False, label="Say how far the solution came before it")
    critiques = forms.BooleanField(required=False, label="Rate or write a critique of the mistake")
    candidates = forms.IntegerField(required=False, min_value=1, max_value=8, initial=4, label="Candidates per step")
    temperature = forms.FloatField(required=False, min_value=0, max_value=2, initial=1.0)
    max_tokens = forms.IntegerField(
        required=False, min_value=8, max_value=4096, initial=256, label="Longest step", help_text="In tokens."
    )

    pairs = forms.ChoiceField(
        required=False,
        label="What is compared",
        initial="existing",
        choices=[
            ("existing", "existing comparisons"),
            ("right_wrong", "a right and a wrong solution"),
            ("random", "any two solutions"),
            ("steps", "two candidates for a step"),
        ],
    )
    each = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1000,
        initial=1,
        label="Pairs of a problem",
        help_text="At most so many that are made of one problem, or of one step.",
    )
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, initial=0, help_text="Another seed makes other pairs."
    )
    rationale = forms.ChoiceField(
        required=False,
        label="Why it is better",
        initial="optional",
        choices=[("optional", "may be written"), ("required", "has to be written"), ("off", "is not asked")],
    )
    ties = forms.BooleanField(required=False, initial=True, label="Neither may be better")

    def settings(self) -> dict[str, Any]:
        """The options of the chosen protocol; an empty field leaves its default."""
        data = self.cleaned_data
        names = SETTINGS.get(data.get("protocol", ""), ())
        return {name: data[name] for name in names if data.get(name) not in (None, "")}
