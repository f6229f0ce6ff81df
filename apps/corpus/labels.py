"""Ratings of steps, and what follows from several of them: the one home of these rules. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

BAD, OKAY, GREAT = -1, 0, 1
RATINGS = (BAD, OKAY, GREAT)
NO_ERROR = -1  # Every step has a rating, and none is bad.
UNKNOWN = -2  # A first error that cannot be determined, or a step without a label.

FINISH_REASONS = ("found_error", "solution", "bad_problem", "give_up")
SIDES = ("left", "right")
CHOICES = (*SIDES, "tie")
# How much better one side is, from most to least: the scale of Llama 2 (arXiv 2307.09288, 3.2.1).
MARGINS = ("significantly", "clearly", "slightly", "negligibly")


def first_error(ratings: Mapping[int, int | None], length: int) -> int:
    """The position of the first bad step of a solution of `length` steps.

    NO_ERROR when all steps are rated and none is bad; UNKNOWN when a step before the first bad one has no rating.
    """
    for position in range(length):
        rating = ratings.get(position)
        if rating is None or rating == UNKNOWN:
            return UNKNOWN
        if rating == BAD:
            return position
    return NO_ERROR


def is_own_step(rating: int | None, *, unsure: bool | None, chosen: bool, origin: str) -> bool:
    """Whether the labeler wrote the step and went on from it. It counts as great: no interface asks for a rating of it."""
    return rating is None and not unsure and chosen and origin == "human"


def hard_label(rollouts: int | None, successes: int | None, *, hard: bool | None = None) -> int:
    """Math-Shepherd's hard estimation: GREAT when some rollout reaches the answer, BAD when none does.

    `hard` is what a strategy or a file concludes, and decides where it is given. A step without counted rollouts, or of
    whose rollouts nobody says how many succeeded, is UNKNOWN: nothing was seen to fail.
    """
    if hard is None and rollouts and successes is not None:
        hard = successes > 0
    return UNKNOWN if hard is None else GREAT if hard else BAD


def majority(ratings: Iterable[int]) -> int:
    """What more people say than anything else; UNKNOWN without ratings, and for a tie.

    Okay against great is okay: that is no dispute about an error, and must not keep the first error open.
    """
    counts = Counter(ratings)
    most = max(counts.values(), default=0)
    leaders = {rating for rating, count in counts.items() if count == most}
    if leaders == {OKAY, GREAT}:
        return OKAY
    return leaders.pop() if len(leaders) == 1 else UNKNOWN


def more_than_half(required: Any) -> Any:
    """How many of `required` people, a number or an array of numbers, are more than half of them.

    What fewer of them say of a step is thin: who names an earlier first error says nothing of it.
    """
    return required // 2 + 1


def is_tie(ratings: Iterable[int]) -> bool:
    """Whether there are ratings, and no majority among them."""
    given = list(ratings)
    return bool(given) and majority(given) == UNKNOWN
