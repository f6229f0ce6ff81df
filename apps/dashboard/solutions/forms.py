"""Forms of the solution browser and of a solution's steps."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.corpus.facets import Facets
from apps.dashboard.forms import ServiceForm, set_facet_choices

STEP_SEPARATOR = "---"


class BrowseForm(forms.Form):
    answer = forms.ChoiceField(
        required=False,
        label="Answer",
        choices=[
            ("", "any"),
            ("right", "right"),
            ("wrong", "wrong"),
            ("ungraded", "not graded"),
            ("differing", "differs from the file"),
        ],
    )
    labels = forms.ChoiceField(
        required=False,
        label="Labels",
        choices=[
            ("", "any"),
            ("people", "by people"),
            ("none", "not by people"),
            ("gold", "gold"),
            ("monte_carlo", "Monte Carlo"),
            ("judges", "judges"),
        ],
    )
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    text = forms.CharField(
        required=False,
        max_length=200,
        label="Problem contains",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    problem = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_facet_choices(self, facets)


class SplitForm(ServiceForm):
    steps = forms.CharField(
        label="Steps",
        strip=False,
        max_length=500_000,
        help_text=f"A line {STEP_SEPARATOR} separates two steps. Add, move or remove such lines only; "
        "the text itself must stay the same.",
        widget=forms.Textarea(attrs={"rows": 20, "class": "source", "spellcheck": "false"}),
    )
