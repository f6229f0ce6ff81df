"""Reads which two answers a row compares, and which is preferred: by name, signed number, index or word. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.dialogue import Message, read_messages
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.prompts import transcript
from apps.corpus.labels import MARGINS
from apps.corpus.records import RowError

# The two scales of Llama 2 (arXiv 2307.09288, table 27), from significantly better down.
SCALES = {"large": (3.0, 2.0, 1.0, 0.0), "small": (1.0, 2 / 3, 1 / 3, 0.0)}

_STEMS = ("response", "answer", "output", "completion", "solution", "generation", "conversation", "human_ref")
_ENDS = (("0", "1"), ("1", "2"), ("a", "b"), ("A", "B"))
# The pairs of columns that hold two answers: response_0 and response_1, answer_a and answer_b ...
PAIRS = tuple(
    (f"{stem}{mark}{left}", f"{stem}{mark}{right}") for left, right in _ENDS for stem in _STEMS for mark in ("_", "")
)
# HelpSteer 2 and 3: from -3, the first is much better, to 3, the second is.
SIGNED = ("overall_preference", "preference_strength")
_SIGNED_MARGINS = {1: "slightly", 2: "clearly", 3: "significantly"}
# The number of the better answer as its column has it, or a word for it.
NAMED = ("better_response_id", "preference", "preferred", "winner")
_WORDS = {
    "left": ("model_a", "response_a", "a", "first", "left"),
    "right": ("model_b", "response_b", "b", "second", "right"),
    "tie": ("tie", "tie (bothbad)", "both", "neither", "equal", "same"),
}
# Stanford Human Preferences: 1 where answer A is preferred.
SHP_LABEL = "labels"
KEYS = ("chosen", "rejected", "margin", *(name for pair in PAIRS for name in pair), *SIGNED, *NAMED, SHP_LABEL)


@dataclass(frozen=True, slots=True)
class PairChoice:
    """The columns of the two answers, the preferred `side` (left, right, tie), and the columns that were read."""

    left: str
    right: str
    side: str
    margin: str = ""
    extras: dict[str, Any] = field(default_factory=dict)
    read: frozenset[str] = frozenset()


def pair_in(row: Row) -> tuple[str, str] | None:
    """The columns of the two answers; None where the row does not have two."""
    return next((pair for pair in PAIRS if row.keys() >= set(pair)), None)


def looks_like(row: Row) -> bool:
    pair = pair_in(row)
    return pair is not None and any(name in row for name in (*SIGNED, *NAMED, *_shp_label(pair)))


def _shp_label(pair: tuple[str, str]) -> tuple[str, ...]:
    return (SHP_LABEL,) if pair[0].startswith("human_ref") else ()


def read_choice(fields: Fields, options: ReaderOptions) -> PairChoice:
    """Raises RowError where the row does not say which answer is better."""
    if {"chosen", "rejected"} <= fields.row.keys():
        margin, extras = _margin(fields, options)
        return PairChoice("chosen", "rejected", "left", margin, extras, frozenset({"chosen", "rejected", "margin"}))
    pair = pair_in(fields.row)
    assert pair is not None
    third = pair[1][:-1] + chr(ord(pair[1][-1]) + 1)
    if fields.row.get(third) is not None:
        raise RowError(third, "is a third answer; only pairs are read: write a row for each pair")
    names = (*SIGNED, *NAMED, *_shp_label(pair))
    name = next((name for name in names if fields.row.get(name) is not None), None)
    if name is None:
        raise RowError(names[0], f"is missing: no column says which of {pair[0]} and {pair[1]} is better")
    if name in SIGNED:
        number = _signed(fields, name)
        side = "tie" if not number else "left" if number < 0 else "right"
        margin = _SIGNED_MARGINS.get(abs(number), "")
        return PairChoice(*pair, side, margin, {"preference": number}, frozenset({*pair, name}))
    if name == SHP_LABEL:
        side = "left" if fields.maybe_int(SHP_LABEL, least=0, most=1) else "right"
    else:
        side = named_side(fields, name, pair)
    margin, extras = _margin(fields, options)
    read = {*pair, name, "margin"}
    if side == "tie" and margin:
        # A tie has no margin; a negligible margin means the same.
        read -= {"margin"} if margin != "negligibly" else set()
        margin = ""
    return PairChoice(*pair, side, margin, extras, frozenset(read))


def _signed(fields: Fields, name: str) -> int:
    number = fields.maybe_int(name, least=-3, most=3)
    assert number is not None
    return number


def named_side(fields: Fields, name: str, pair: tuple[str, str]) -> str:
    value = fields.row[name]
    ends = pair[0][-1], pair[1][-1]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    for side, column, end in zip(("left", "right"), pair, ends, strict=True):
        if word in (column.lower(), end.lower()):
            return side
    if not ends[0].isdigit() or isinstance(value, str):
        side_of_word = next((side for side, words in _WORDS.items() if word in words), None)
        if side_of_word is not None:
            return side_of_word
    raise fields.wrong(name, f"{ends[0]} or {ends[1]} for {pair[0]} or {pair[1]}, or tie")


def _margin(fields: Fields, options: ReaderOptions) -> tuple[str, dict[str, Any]]:
    """The name of the file's margin; a number that is not on the scale is kept in the extras."""
    value = fields.row.get("margin")
    if isinstance(value, str):
        if value not in MARGINS:
            raise fields.wrong("margin", f"a number, or one of {', '.join(MARGINS)}")
        return value, {}
    number = fields.maybe_float("margin")
    if number is None:
        return "", {}
    scale = SCALES[options.margins]
    margin = next((name for name, step in zip(MARGINS, scale, strict=True) if abs(step - number) < 0.01), None)
    return (margin, {}) if margin else ("", {"margin": number})


def read_answer(fields: Fields, name: str) -> str | list[Message]:
    """A text, or the messages of a dialogue that ends in the answer."""
    return fields.text(name) if fields.holds_text(name) else read_messages(fields, name)


def answer_text(name: str, answer: str | list[Message]) -> str:
    if isinstance(answer, str):
        return answer
    if not answer:
        raise RowError(name, "has nothing that the other does not have")
    return answer[0]["content"] if len(answer) == 1 else transcript(answer)
