"""How well somebody did in a screening: agreement with gold. Pure.

Under `first_error` a task is right when the labeler's first bad step is one that gold takes for the first
error, or when neither finds any: all or nothing, as PRM800K counted. Under `every_step` each step with gold
counts by itself: right when both call it bad, or neither does; great or okay is a matter of taste.
An unsure step, and a task that was left early, agree with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BAD = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One task: ratings by position, as gold has them and as the labeler gave them (None: unsure).

    `acceptable` are the positions that may all be called the first error, where reviewers allow several
    (None among them: no error); without it gold's own first bad step is the only one.
    """

    gold: Mapping[int, int]
    said: Mapping[int, int | None]
    left_early: bool = False
    acceptable: frozenset[int | None] | None = None


def first_bad(ratings: Mapping[int, int | None]) -> int | None:
    return min((position for position, rating in ratings.items() if rating == BAD), default=None)


def finds_the_error(answer: Answer) -> bool:
    if answer.left_early or None in answer.said.values():
        return False
    accepted = answer.acceptable if answer.acceptable is not None else {first_bad(answer.gold)}
    return first_bad(answer.said) in accepted


def steps_agreed(answer: Answer) -> int:
    if answer.left_early:
        return 0
    said = {position: rating for position, rating in answer.said.items() if rating is not None}
    return sum((said[at] == BAD) == (rating == BAD) for at, rating in answer.gold.items() if at in said)


def agreement(protocol: str, answers: Sequence[Answer]) -> float:
    """From 0 to 1; no answers agree with nothing."""
    if protocol == "first_error":
        right, asked = sum(map(finds_the_error, answers)), len(answers)
    else:
        right, asked = sum(map(steps_agreed, answers)), sum(len(answer.gold) for answer in answers)
    return right / asked if asked else 0.0
