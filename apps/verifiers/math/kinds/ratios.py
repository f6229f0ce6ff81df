"""Compares ratios and times of day.

`5:3:2` is `10:6:4` and not a number. A ratio of two equals the fraction with the same two parts (`5:3` is `5/3`), and
cannot be compared with an integer or a decimal. `5:30 p.m.` is `17:30`; if `3:30` may be a time or a ratio and the two
readings lead to different grades, the answer is unparsed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.base import MATCH, NO_MATCH, Grade, GradeOutcome, match_if, unparsed
from apps.verifiers.latex.normalize import untext
from apps.verifiers.math.formulas.identity import nodes_agree, read
from apps.verifiers.math.formulas.parser import Node, Operation, UnreadableFormula

TIME_OR_RATIO = "it may be a time of day or a ratio"
RATIO_AND_NUMBER = "a ratio is compared with a number"
_TIME = re.compile(
    r"(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?\s*(?P<half>a\.?\s?m\.?|p\.?\s?m\.?)?",
    re.IGNORECASE,
)
_FULL_HOUR = re.compile(r"(?P<hours>\d{1,2})\s*(?P<half>a\.?\s?m\.?|p\.?\s?m\.?)", re.IGNORECASE)
_LEAD = re.compile(r"(?:the )?ratio (?:is |of )?", re.IGNORECASE)
_JOINT = re.compile(r"\s*:\s*|\s+to\s+")
_RELATION = re.compile(r"[=<>,;]|\\\{|\\(?:le|ge|ne|in|mid)(?![A-Za-z])")


class TimeOfDay(NamedTuple):
    """`half` is "a", "p" or empty. `is_plain` means without a.m. or p.m."""

    seconds: int
    half: str
    is_plain: bool


def compare_ratios(reference: str, answer: str) -> GradeOutcome | None:
    """None where neither is a ratio or a time of day."""
    times = read_time(reference), read_time(answer)
    if times[0] and times[1] and not (times[0].is_plain and times[1].is_plain):
        # Without a.m. or p.m., a time up to 12:59 may be either.
        plain = next((time for time in times if time and time.is_plain and time.seconds < 13 * 3600), None)
        difference = times[0].seconds - times[1].seconds
        return match_if(equal=difference == 0 or (plain is not None and difference % (12 * 3600) == 0))
    ratios = read_ratio(reference), read_ratio(answer)
    if ratios[0] and ratios[1]:
        outcome = _compare_proportions(ratios[0], ratios[1])
        if times[0] and times[1] and outcome == MATCH:
            return MATCH if times[0].seconds == times[1].seconds else unparsed(TIME_OR_RATIO)
        return outcome
    if not (any(times) or any(ratios)):
        return None
    return _compare_with_other(ratios[0] or ratios[1], answer if ratios[0] or times[0] else reference)


def read_time(text: str) -> TimeOfDay | None:
    plain = " ".join(untext(text).split())
    time = _TIME.fullmatch(plain) or _FULL_HOUR.fullmatch(plain)
    if time is None or int(time["hours"]) > 24:
        return None
    parts = time.groupdict()
    hours, half = int(parts["hours"]), (parts["half"] or "")[:1].lower()
    if half and hours > 12:
        return None
    if half:
        hours = hours % 12 + (12 if half == "p" else 0)
    return TimeOfDay(
        3600 * hours + 60 * int(parts.get("minutes") or 0) + int(parts.get("seconds") or 0), half, not half
    )


def read_ratio(text: str) -> list[Node] | None:
    """The parts of a ratio, each a formula; None where the text is anything else."""
    if (":" not in text and " to " not in text) or _RELATION.search(text):
        return None
    plain = _LEAD.sub("", " ".join(untext(text).split()), count=1)
    pieces = _JOINT.split(plain)
    if len(pieces) < 2:
        return None
    try:
        parts = [read(piece) for piece in pieces]
    except UnreadableFormula:
        return None
    return [part for part in parts if part is not None] if None not in parts else None


def _compare_proportions(first: list[Node], second: list[Node]) -> GradeOutcome:
    if len(first) != len(second):
        return NO_MATCH
    for first_part, second_part in zip(first[1:], second[1:], strict=True):
        outcome = nodes_agree(
            Operation("product", (first[0], second_part)), Operation("product", (second[0], first_part))
        )
        if outcome != MATCH:
            return outcome or unparsed("the ratios cannot be compared")
    return MATCH


def _compare_with_other(ratio: list[Node] | None, other: str) -> GradeOutcome:
    """A ratio, or a time of day if `ratio` is None, compared with an answer that is neither."""
    try:
        node = read(other)
    except UnreadableFormula:
        node = None
    if node is None or ratio is None:
        return unparsed(TIME_OR_RATIO if ratio is None else "only one of the two answers is a ratio")
    if len(ratio) > 2:
        return NO_MATCH
    outcome = nodes_agree(Operation("quotient", (ratio[0], ratio[1])), node)
    if outcome is None or outcome.grade is not Grade.MATCH:
        return outcome or unparsed(RATIO_AND_NUMBER)
    return MATCH if isinstance(node, Operation) and node.name == "quotient" else unparsed(RATIO_AND_NUMBER)
