"""The protocols' options, in the form for a round."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.structs import default_of, limits_of
from apps.dashboard.forms import ServiceForm
from apps.labeling.protocols.base import Options, SamplingOptions
from apps.labeling.protocols.branching import BranchingOptions
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.protocols.first_error import FirstErrorOptions

# The fields that are options of each protocol; the others are ignored.
OPTIONS: dict[str, type[Options]] = {
    "branching": BranchingOptions,
    "comparison": ComparisonOptions,
    "first_error": FirstErrorOptions,
}


def _option(options: type[Options], name: str) -> dict[str, Any]:
    """The arguments of an optional field with the bounds and the default that the options declare."""
    return {"required": False, "initial": default_of(options, name), **limits_of(options, name)}


class ProtocolForm(ServiceForm):
    """Fields of all protocols; the page shows those of the chosen one."""

    starts_from = forms.ChoiceField(
        **_option(BranchingOptions, "starts_from"),
        label="Starts from",
        choices=[("solutions", "solutions and their candidates"), ("problems", "problems alone")],
    )
    writes = forms.BooleanField(
        **_option(BranchingOptions, "writes"), label="Labelers may write the step where none is great"
    )
    alternatives = forms.BooleanField(
        **_option(FirstErrorOptions, "alternatives"), label="Rate alternatives for the bad step"
    )
    progress = forms.BooleanField(
        **_option(FirstErrorOptions, "progress"), label="Rate how far the solution came before it"
    )
    critiques = forms.BooleanField(
        **_option(FirstErrorOptions, "critiques"), label="Rate or write a critique of the mistake"
    )
    candidates = forms.IntegerField(**_option(SamplingOptions, "candidates"), label="Candidates per step")
    temperature = forms.FloatField(**_option(SamplingOptions, "temperature"))
    max_tokens = forms.IntegerField(**_option(SamplingOptions, "max_tokens"), label="Maximum tokens per step")

    pairs = forms.ChoiceField(
        **_option(ComparisonOptions, "pairs"),
        label="What is compared",
        choices=[
            ("existing", "existing comparisons"),
            ("right_wrong", "a right and a wrong solution"),
            ("random", "any two solutions"),
            ("steps", "two candidates for a step"),
        ],
    )
    each = forms.IntegerField(
        **_option(ComparisonOptions, "each"),
        label="Pairs per problem",
        help_text="The most pairs made of one problem, or of one step.",
    )
    seed = forms.IntegerField(**_option(ComparisonOptions, "seed"), help_text="Another seed makes other pairs.")
    rationale = forms.ChoiceField(
        **_option(ComparisonOptions, "rationale"),
        label="Rationale",
        choices=[("optional", "optional"), ("required", "required"), ("off", "not asked for")],
    )
    ties = forms.BooleanField(
        **_option(ComparisonOptions, "ties"), label="Labelers may answer that neither side is better"
    )

    def protocol_options(self) -> dict[str, Any]:
        """The options of the chosen protocol; those with an empty field keep their defaults."""
        data = self.cleaned_data
        options = OPTIONS.get(data.get("protocol", ""))
        names = options.__struct_fields__ if options is not None else ()
        return {name: data[name] for name in names if data.get(name) not in (None, "")}
