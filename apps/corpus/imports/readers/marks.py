"""Labels of steps as benchmarks and training sets have them: a first error, numbers of wrong steps, a label for each step.

A first error and wrong steps become gold, since their publisher vouches for them. Labels become those of a labeler
called `labels`. Shares without counts (soft values) are ignored and counted. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import ReaderOptions
from apps.corpus.imports.readers.fields import Fields, plain_list, plain_number, read_bool
from apps.corpus.labels import NO_ERROR
from apps.corpus.records import GoldRating, PersonRecord, RowError, StepRating

NOT_LABELED = -100  # TRL and axolotl leave such a step out of training.
LABELER = "labels"
SOFT = "soft values without counts"
_GOOD, _BAD = ("+", "good", "correct", "positive", "right"), ("-", "bad", "incorrect", "negative", "wrong")
_OKAY = ("neutral", "okay", "ok")


def gold_up_to(first_error: int, length: int) -> list[GoldRating]:
    """Good before the first error, bad at it, and nothing after it."""
    good = length if first_error == NO_ERROR else first_error
    gold = [GoldRating(position=place, rating=1) for place in range(good)]
    return gold if first_error == NO_ERROR else [*gold, GoldRating(position=first_error, rating=-1)]


def read_first_error(fields: Fields, length: int) -> list[GoldRating]:
    """Gold by `first_error`, from 0, -1 for none."""
    value = fields.row.get("first_error")
    if isinstance(value, list) and value:
        reason = "expected one position, found a list; map a list of wrong steps, numbered from 1, to `error_steps`"
        raise RowError(fields.at("first_error"), reason)
    first_error = fields.maybe_int("first_error", least=NO_ERROR, most=length - 1)
    return [] if first_error is None else gold_up_to(first_error, length)


def read_error_steps(fields: Fields, length: int) -> tuple[list[GoldRating], list[str]]:
    """Gold by `error_steps`, the wrong steps numbered from 1; and a note for errors after the first."""
    value = plain_list(fields.row.get("error_steps"))
    if value is None:
        return [], []
    at = fields.at("error_steps")
    numbers = value if isinstance(value, list) else [plain_number(value)]
    for index, number in enumerate(numbers):
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= length:
            raise RowError(
                f"{at}[{index}]", f"expected the number of a step, from 1 to {length}, found {named(number)}"
            )
    first_error = min(numbers) - 1 if numbers else NO_ERROR
    return gold_up_to(first_error, length), [f"{at} (after the first error)"] if len(set(numbers)) > 1 else []


def read_labels(fields: Fields, name: str, length: int, options: ReaderOptions) -> list[int | None] | None:
    """The rating of each step: 1, 0, -1, null where there is none; None where the labels are soft values."""
    values, at = fields.listed(name), fields.at(name)
    if len(values) != length:
        raise RowError(at, f"there are {len(values)} labels for {length} steps")
    if any(isinstance(value, float) for value in values):
        check_soft_values(values, at)
        return None
    scale = options.label_scale
    if scale is None and any(not isinstance(value, bool) and value == -1 for value in values):
        scale = "ternary"
    return [rating_of(value, f"{at}[{index}]", scale) for index, value in enumerate(values)]


def check_soft_values(values: Sequence[Any], at: str) -> None:
    """Raises RowError for a value that is not a share: a share may be a whole number."""
    for index, value in enumerate(values):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= 1):
            raise RowError(f"{at}[{index}]", f"expected a label, or a share from 0 to 1, found {named(value)}")


def rating_of(value: Any, at: str, scale: str | None) -> int | None:
    if value is None or value == NOT_LABELED:
        return None
    text = value.strip().lower() if isinstance(value, str) else None
    if text in (*_GOOD, *_BAD, *_OKAY):
        return 1 if text in _GOOD else -1 if text in _BAD else 0
    if isinstance(value, bool) or (text is not None and read_bool(value) is not None and not text.isdigit()):
        return 1 if read_bool(value) else -1
    value = plain_number(value)
    if value in (1, -1):
        if value == -1 and scale == "binary":
            raise RowError(at, "expected 1 or 0, found -1: the option label_scale is binary")
        return int(value)
    if value == 0 and scale is not None:
        return 0 if scale == "ternary" else -1
    if value == 0:
        reason = "0 is bad on one scale and okay on another: set the option label_scale to binary (1, 0) or ternary"
        raise RowError(at, f"{reason} (1, 0, -1)")
    raise RowError(at, f"expected true or false, + or -, 1, 0 or -1, or null, found {named(value)}")


def labels_of(ratings: Sequence[int | None], *, labeler: str) -> list[PersonRecord]:
    """The labels of a file that does not name their labeler. A step without one was not judged."""
    steps = [
        StepRating(position=place, rating=rating, chosen=True)
        for place, rating in enumerate(ratings)
        if rating is not None
    ]
    if not steps:
        return []
    is_whole = len(steps) == len(ratings)
    finish = "found_error" if -1 in ratings else "solution" if is_whole else None
    return [PersonRecord(labeler=labeler, protocol="every_step", finish_reason=finish, steps=steps)]
