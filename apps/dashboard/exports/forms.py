"""Asking for an export: the format, the file, and the label policy as questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core.errors import DomainError
from apps.corpus.facets import Facets
from apps.dashboard.forms import OnceForm
from apps.exports.formats import FORMATS
from apps.exports.policy import SOURCES, LabelPolicy
from apps.exports.writers import CONTAINERS
from apps.judging.models import Judge
from apps.labeling.models import Assignment, Round

DEFAULTS = LabelPolicy().to_dict()
CONTAINER_TITLES = {
    "jsonl": "JSON Lines",
    "jsonl.gz": "JSON Lines, gzip",
    "jsonl.zst": "JSON Lines, zstd",
    "parquet": "Parquet",
}
SOURCE_TITLES = {
    "gold": "gold",
    "adjudicated": "reviewers' ratings",
    "consensus": "consensus",
    "human": "people",
    "monte_carlo_hard": "Monte Carlo, hard",
    "monte_carlo_soft": "Monte Carlo, soft",
    "judge": "judges",
    "monte_carlo_and_judge": "Monte Carlo and judge, where they agree",
}
NAMED_SHARE = re.compile(r"([A-Za-z_]\w*)\s*[:= ]\s*(\d+(?:\.\d+)?)\s*%?")


def _source(rank: int, label: str) -> forms.ChoiceField:
    choices = [("", "none"), *((name, SOURCE_TITLES.get(name, name)) for name in SOURCES)]
    default = DEFAULTS["sources"][rank] if rank < len(DEFAULTS["sources"]) else ""
    return forms.ChoiceField(choices=choices, initial=default, label=label, required=rank == 0)


def _choice(key: str, label: str, **titles: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(titles.items()), initial=DEFAULTS[key], label=label)


class ExportForm(OnceForm):
    """All fields but `format`, `container` and the three sources are keys of the label policy."""

    format = forms.ChoiceField(
        choices=[(name, format_.title) for name, format_ in FORMATS.items()],
        widget=forms.RadioSelect,
        initial="annotate",
    )
    container = forms.ChoiceField(
        choices=[(name, CONTAINER_TITLES.get(name, name)) for name in CONTAINERS], label="File"
    )

    source_1 = _source(0, "First source of labels")
    source_2 = _source(1, "Second source")
    source_3 = _source(2, "Third source")
    people = _choice(
        "people",
        "Solutions labeled by several people",
        majority="majority for each step",
        each="one row per person",
        first="first submission only",
    )
    neutral = _choice(
        "neutral",
        "Okay (0) becomes",
        positive="positive",
        negative="negative",
        own_class="a class of its own",
        drop="no label",
    )
    unsure = _choice("unsure", "Unsure becomes", drop="no label", positive="positive", negative="negative")
    after_first_error = _choice(
        "after_first_error",
        "Steps after the first error",
        leave_out="leave out",
        negative="negative",
        as_rated="as rated",
    )
    margins = _choice(
        "margins",
        "Margins as numbers",
        large="3, 2, 1, 0 (Llama 2, large)",
        small="1, ⅔, ⅓, 0 (Llama 2, small)",
    )
    ties = _choice("ties", "Ties", drop="no pair", both_ways="a pair in each order, without a margin")
    prompts = _choice("prompts", "Format of pairs", standard="texts", conversational="messages, for chat models")
    alternatives = _choice(
        "alternatives", "Rated alternatives", rows="a row for each, after the steps before it", drop="leave out"
    )
    quality_control = _choice("quality_control", "Labels of gold tasks", drop="leave out", keep="keep")
    screening = _choice("screening", "Labels of screenings", drop="leave out", keep="keep")
    suspended = _choice("suspended", "Labels of suspended labelers", drop="leave out", keep="keep")
    thin = _choice("thin", "Labels by fewer people than required (thin)", leave_out="leave out", take="keep")
    step_tag = forms.CharField(
        initial=DEFAULTS["step_tag"],
        max_length=50,
        label="Tag after each step",
        help_text="For math-shepherd: one word. Rows whose text contains it are left out.",
    )
    finish_reasons = forms.MultipleChoiceField(
        choices=Assignment.FinishReason.choices,
        initial=DEFAULTS["finish_reasons"],
        label="Submissions by finish reason",
        widget=forms.CheckboxSelectMultiple,
    )

    soft_threshold = forms.FloatField(
        min_value=0.001,
        max_value=1,
        initial=DEFAULTS["soft_threshold"],
        label="Soft labels count as good from",
        help_text="The share of rollouts that reach the answer, for soft Monte Carlo labels.",
    )
    judges = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None selected: all, newest run first."
    )
    answers = _choice("answers", "Final answer", all="any", right="right", wrong="wrong")
    rounds = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, help_text="None selected: all."
    )
    generators = forms.MultipleChoiceField(required=False, label="Written by", help_text="None selected: all.")
    subjects = forms.MultipleChoiceField(required=False, help_text="None selected: all.")
    splits = forms.CharField(
        required=False,
        label="Split by problem",
        help_text="Percentages by name, such as “train 90, test 10”. Empty: one file. "
        "All solutions of a problem are in the same split.",
        widget=forms.TextInput(attrs={"placeholder": "one file"}),
    )
    split_seed = forms.CharField(
        initial=DEFAULTS["split_seed"], max_length=100, help_text="Another seed makes another split."
    )

    def __init__(
        self, *args: Any, facets: Facets, rounds: list[Round], judges: Sequence[Judge] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # A judge can be named with its version, or without for all versions.
        judge_names = {judge.name: f"{judge.name}, any version" for judge in judges}
        choices_by_field: dict[str, list[tuple[Any, str]]] = {
            "rounds": [(round_.number, f"{round_.number}: {round_}") for round_ in rounds],
            "judges": sorted((judge_names | {str(judge): str(judge) for judge in judges}).items()),
            "generators": [(value, value) for value in facets.sources],
            "subjects": [(value, value) for value in facets.subjects],
        }
        for name, choices in choices_by_field.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
            if not choices:
                del self.fields[name]

    def clean_splits(self) -> dict[str, float]:
        """Percentages become shares of one. The policy checks that they add up."""
        shares = {}
        for part in filter(None, map(str.strip, self.cleaned_data["splits"].split(","))):
            match = NAMED_SHARE.fullmatch(part)
            if match is None:
                raise ValidationError(f"“{part}” is not a name and a percentage.")
            shares[match[1]] = float(match[2]) / 100
        return shares

    @property
    def policy(self) -> dict[str, Any]:
        data = self.cleaned_data
        sources = [data[f"source_{rank}"] for rank in (1, 2, 3) if data.get(f"source_{rank}")]
        return {name: data[name] for name in DEFAULTS if name in data} | {"sources": list(dict.fromkeys(sources))}

    def add_domain_error(self, error: DomainError) -> None:
        """The policy's keys are fields of the form; an error about its `sources` is shown at the first."""
        keys = {name.removeprefix("policy."): text for name, text in error.fields.items()}
        renamed = {"source_1" if name == "sources" else name: text for name, text in keys.items()}
        super().add_domain_error(DomainError(error.message, fields=renamed))


EXTRA_QUESTIONS = (
    "neutral",
    "unsure",
    "after_first_error",
    "alternatives",
    "quality_control",
    "screening",
    "suspended",
    "thin",
    "finish_reasons",
    "soft_threshold",
    "judges",
    "step_tag",
)
PAIR_QUESTIONS = ("margins", "ties", "prompts")
FILTERS = ("answers", "rounds", "generators", "subjects")
SPLITS = ("splits", "split_seed")
