"""What the JSON of a reply says of steps: ratings, reasons and a first error. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.judging.parsers.loose_json import FoundJson
from apps.judging.parsers.step_lines import RATING_WORDS

_LISTS = ("steps", "ratings", "step_ratings", "judgments", "judgements", "verdicts", "evaluations")
_INDICES = ("step", "index", "step_index", "position", "paragraph")
_RATINGS = ("rating", "verdict", "label", "judgment", "judgement")
_REASONS = ("reason", "explanation", "critique", "rationale", "comment", "why")
_FIRST_ERRORS = ("first_error", "first_bad_step", "first_error_step", "error_step", "first_bad")
_INDEX = re.compile(r"\s*(?:step|paragraph)?[\s_#]*(-?\d{1,9})\s*", re.IGNORECASE)
BROKEN = "The JSON of the reply is broken or incomplete."


@dataclass(slots=True)
class JsonSteps:
    """`problem` is a sentence if the JSON contradicts itself or cannot be read. `end` is where its last part ends."""

    ratings: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    first_error: int | None = None
    problem: str = ""
    end: int = 0

    def add(self, index: int, rating: int, reason: str) -> None:
        if self.ratings.setdefault(index, rating) != rating:
            self.problem = self.problem or f"The reply rates step {index} twice, with different ratings."
        if reason:
            self.reasons.setdefault(index, reason)


def json_steps(values: Sequence[FoundJson], steps: int) -> JsonSteps:
    """Everything that the objects and lists of a reply say of steps."""
    stated = JsonSteps()
    for found in values:
        before = len(stated.ratings), stated.first_error
        if found.is_broken:
            stated.problem = stated.problem or BROKEN
        elif isinstance(found.value, dict):
            _read_object(found.value, stated)
        elif _are_words(found.value) or any(isinstance(item, dict) and _has_rating(item) for item in found.value):
            _read_list(found.value, stated)
        if (len(stated.ratings), stated.first_error) != before:
            stated.end = found.end
    outside = sorted(index for index in stated.ratings if not 0 <= index < steps)
    if outside:
        stated.problem = stated.problem or f"The reply rates step {outside[0]}: steps are from 0 to {steps - 1}."
    return stated


def first_text(values: dict[str, Any], names: Sequence[str]) -> str:
    """The first of these texts that is there, without white space around it."""
    return next((value.strip() for name in names if isinstance(value := values.get(name), str) and value.strip()), "")


def _read_object(values: dict[str, Any], stated: JsonSteps) -> None:
    for name in _LISTS:
        items = values.get(name)
        if isinstance(items, list):
            _read_list(items, stated)
        elif isinstance(items, dict):
            _read_map(items, stated)
    for name in _FIRST_ERRORS:
        if name in values:
            _read_first_error(values[name], stated)
    if any(name in values for name in _INDICES) and _has_rating(values):
        _read_list([values], stated)
    elif values and all(_INDEX.fullmatch(key) for key in values):
        _read_map(values, stated)


def _read_first_error(value: Any, stated: JsonSteps) -> None:
    index = _number(value)
    if index is None:
        stated.problem = stated.problem or f"The first error is {_shown(value)}, which is not the number of a step."
    elif stated.first_error not in {None, index}:
        stated.problem = stated.problem or "The reply names two different first errors."
    else:
        stated.first_error = index


def _read_map(values: dict[str, Any], stated: JsonSteps) -> None:
    """Ratings by the number of the step: `{"0": "good", "1": {"rating": "bad", "reason": "..."}}`."""
    items = [
        {"step": key, **(value if isinstance(value, dict) else {"rating": value})} for key, value in values.items()
    ]
    _read_list(items, stated)


def _read_list(items: Sequence[Any], stated: JsonSteps) -> None:
    """Ratings with their step, or one for each step in order if none has it."""
    if _are_words(items):
        items = [{"rating": item} for item in items]
    rated = [item for item in items if isinstance(item, dict)]
    numbered = [item for item in rated if any(name in item for name in _INDICES)]
    if len(rated) < len(items) or (numbered and len(numbered) < len(rated)):
        stated.problem = stated.problem or "Some ratings of the reply name no step."
        return
    for place, item in enumerate(rated):
        _read_rating(item, next(_indices(item), None) if numbered else place, stated)


def _read_rating(item: dict[str, Any], index: int | None, stated: JsonSteps) -> None:
    words = [item[name] for name in _RATINGS if name in item]
    ratings = {RATING_WORDS.get(word.strip().lower()) if isinstance(word, str) else None for word in words}
    if index is None:
        stated.problem = stated.problem or "A rating of the reply names no step."
    elif not words:
        stated.reasons.setdefault(index, first_text(item, _REASONS))
    elif len(ratings) != 1 or None in ratings:
        sentence = f"The rating of step {index} is {_shown(words[0])}: it must be good, okay or bad."
        stated.problem = stated.problem or sentence
    else:
        stated.add(index, next(rating for rating in ratings if rating is not None), first_text(item, _REASONS))


def _has_rating(item: dict[str, Any]) -> bool:
    return any(name in item for name in _RATINGS)


def _are_words(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, str) and item.strip().lower() in RATING_WORDS for item in items)


def _indices(item: dict[str, Any]) -> Iterator[int]:
    for name in _INDICES:
        number = _number(item.get(name))
        if number is not None:
            yield number


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    match = _INDEX.fullmatch(str(value))
    return int(match.group(1)) if match else None


def _shown(value: Any) -> str:
    return f"“{str(value)[:40]}”"
