"""Asking for an export: the format, the file, and the label policy as questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core.errors import DomainError
from apps.dashboard.forms import OnceForm
from apps.dashboard.solutions.queries import Facets
from apps.exports.formats import FORMATS
from apps.exports.policy import SOURCES, LabelPolicy
from apps.exports.writers import CONTAINERS
from apps.judging.models import Judge
from apps.labeling.models import Assignment, Round

DEFAULTS = LabelPolicy().to_dict()
CONTAINER_WORDS = {
    "jsonl": "JSON Lines",
    "jsonl.gz": "JSON Lines, gzipped",
    "jsonl.zst": "JSON Lines, zstd",
    "parquet": "Parquet",
}
SOURCE_WORDS = {
    "gold": "gold",
    "adjudicated": "reviewers' ratings",
    "consensus": "the consensus",
    "human": "people",
    "monte_carlo_hard": "Monte Carlo, hard",
    "monte_carlo_soft": "Monte Carlo, soft",
    "judge": "judges",
    "monte_carlo_and_judge": "Monte Carlo and judge, where they agree",
}
NAMED_SHARE = re.compile(r"([A-Za-z_]\w*)\s*[:= ]\s*(\d+(?:\.\d+)?)\s*%?")


def _source(rank: int, label: str) -> forms.ChoiceField:
    choices = [("", "nothing"), *((name, SOURCE_WORDS.get(name, name)) for name in SOURCES)]
    default = DEFAULTS["sources"][rank] if rank < len(DEFAULTS["sources"]) else ""
    return forms.ChoiceField(choices=choices, initial=default, label=label, required=rank == 0)


def _choice(key: str, label: str, **words: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(words.items()), initial=DEFAULTS[key], label=label)


def _judges(judges: Sequence[Judge]) -> list[tuple[Any, str]]:
    """Each by its name, whatever the version, and by both."""
    names = {one.name: f"{one.name}, any version" for one in judges}
    return sorted((names | {str(one): str(one) for one in judges}).items())


class ExportForm(OnceForm):
    """Its fields but `format`, `container` and the three sources are the keys of the policy."""

    format = forms.ChoiceField(
        choices=[(name, format_.title) for name, format_ in FORMATS.items()],
        widget=forms.RadioSelect,
        initial="annotate",
    )
    container = forms.ChoiceField(
        choices=[(name, CONTAINER_WORDS.get(name, name)) for name in CONTAINERS], label="File"
    )

    source_1 = _source(0, "Labels are taken from")
    source_2 = _source(1, "else from")
    source_3 = _source(2, "else from")
    people = _choice(
        "people",
        "Several people on one solution",
        majority="the majority of each step",
        each="a row for each person",
        first="whoever was first",
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
        "Steps after the first bad one",
        leave_out="are left out",
        negative="are negative",
        as_rated="stay as they were rated",
    )
    margins = _choice(
        "margins",
        "How much better, in numbers",
        large="3, 2, 1, 0 (Llama 2, large)",
        small="1, ⅔, ⅓, 0 (Llama 2, small)",
    )
    ties = _choice("ties", "Where neither side is better", drop="no pair", both_ways="a pair both ways, with no margin")
    prompts = _choice("prompts", "Pairs are written as", standard="texts", conversational="messages, for chat models")
    alternatives = _choice(
        "alternatives", "Rated alternatives", rows="a row for each, after the steps before it", drop="are left out"
    )
    quality_control = _choice("quality_control", "What people said of gold tasks", drop="is left out", keep="is kept")
    screening = _choice("screening", "Answers of screenings", drop="are left out", keep="are kept")
    suspended = _choice("suspended", "Labels of suspended labelers", drop="are left out", keep="are kept")
    thin = _choice("thin", "Thin: what fewer people than asked say", leave_out="is left out", take="is taken as it is")
    step_tag = forms.CharField(
        initial=DEFAULTS["step_tag"],
        max_length=50,
        label="Tag after each step",
        help_text="For math-shepherd: one word. Rows whose own text holds it are left out.",
    )
    finish_reasons = forms.MultipleChoiceField(
        choices=Assignment.FinishReason.choices,
        initial=DEFAULTS["finish_reasons"],
        label="Assignments that count",
        widget=forms.CheckboxSelectMultiple,
    )

    soft_threshold = forms.FloatField(
        min_value=0.001,
        max_value=1,
        initial=DEFAULTS["soft_threshold"],
        label="Soft labels are good from",
        help_text="The share of rollouts that reached the answer; for Monte Carlo, soft.",
    )
    judges = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None marked: all, the newest run first."
    )
    answers = _choice("answers", "Final answer", all="any", right="right", wrong="wrong")
    rounds = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, help_text="None marked: all."
    )
    generators = forms.MultipleChoiceField(required=False, label="Written by", help_text="None marked: all.")
    subjects = forms.MultipleChoiceField(required=False, help_text="None marked: all.")
    splits = forms.CharField(
        required=False,
        label="Split by problem",
        help_text="Percent by name, such as “train 90, test 10”. Empty: one file. No problem stands in two.",
        widget=forms.TextInput(attrs={"placeholder": "one file"}),
    )
    split_seed = forms.CharField(
        initial=DEFAULTS["split_seed"], max_length=100, help_text="Another seed is another split."
    )

    def __init__(
        self, *args: Any, facets: Facets, rounds: list[Round], judges: Sequence[Judge] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        offered: dict[str, list[tuple[Any, str]]] = {
            "rounds": [(one.number, f"{one.number}: {one}") for one in rounds],
            "judges": _judges(judges),
            "generators": [(value, value) for value in facets.sources],
            "subjects": [(value, value) for value in facets.subjects],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
            if not choices:
                del self.fields[name]

    def clean_splits(self) -> dict[str, float]:
        """Percent by name become shares of one; whether they add up, the policy decides."""
        parts = [part.strip() for part in self.cleaned_data["splits"].split(",") if part.strip()]
        found = [NAMED_SHARE.fullmatch(part) for part in parts]
        for part, match in zip(parts, found, strict=True):
            if match is None:
                raise ValidationError(f"“{part}” is not a name and a percentage.")
        return {match[1]: float(match[2]) / 100 for match in found if match}

    @property
    def policy(self) -> dict[str, Any]:
        data = self.cleaned_data
        given = {name: data[name] for name in DEFAULTS if name in data}
        ranked = [data[f"source_{rank}"] for rank in (1, 2, 3) if data.get(f"source_{rank}")]
        return given | {"sources": list(dict.fromkeys(ranked))}

    def _tell(self, error: DomainError) -> None:
        """The policy's keys are fields here; the sources are three of them."""
        keys = {name.removeprefix("policy."): text for name, text in error.fields.items()}
        renamed = {"source_1" if name == "sources" else name: text for name, text in keys.items()}
        super()._tell(DomainError(error.message, fields=renamed))


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
