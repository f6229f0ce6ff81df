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
SCORE_THRESHOLD = 0.5  # A reward model's score below it calls a step bad, unless another threshold is chosen.
# How much better one side is, from most to least: the scale of Llama 2 (arXiv 2307.09288, 3.2.1).
MARGINS = ("significantly", "clearly", "slightly", "negligibly")
# The longest comment of a labeler on a step, in characters: a remark, not a critique.
LONGEST_COMMENT = 500


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
    """Whether the labeler wrote the step and continued from it. It counts as great, since no page asks to rate it."""
    return rating is None and not unsure and chosen and origin == "human"


def hard_label(rollouts: int | None, successes: int | None, *, hard: bool | None = None) -> int:
    """Math-Shepherd's hard estimation: GREAT when some rollout reaches the answer, BAD when none does.

    `hard` is the conclusion of a strategy or a file, and takes precedence. A step without rollouts, or without the number
    of those that succeeded, is UNKNOWN: no rollout is known to fail.
    """
    if hard is None and rollouts and successes is not None:
        hard = successes > 0
    return UNKNOWN if hard is None else GREAT if hard else BAD


def majority(ratings: Iterable[int]) -> int:
    """The most frequent rating; UNKNOWN without ratings, and for a tie.

    A tie of okay and great is okay: they agree that the step is not an error, which must not leave the first error open.
    """
    counts = Counter(ratings)
    most = max(counts.values(), default=0)
    leaders = {rating for rating, count in counts.items() if count == most}
    if leaders == {OKAY, GREAT}:
        return OKAY
    return leaders.pop() if len(leaders) == 1 else UNKNOWN


def more_than_half(required: Any) -> Any:
    """The smallest number of people that is more than half of `required`, a number or an array of numbers.

    A step that fewer of them rate is thin: labelers who name an earlier first error do not rate it.
    """
    return required // 2 + 1


def is_tie(ratings: Iterable[int]) -> bool:
    """Whether there are ratings, and no majority among them."""
    votes = list(ratings)
    return bool(votes) and majority(votes) == UNKNOWN
