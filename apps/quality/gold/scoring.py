"""Scoring labelers on gold, by first error and by step. Pure.

The one scorer: gold marks, screenings, suspensions, "My work" and the labelers page all measure with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.core.statistics import Proportion
from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN, first_error


@dataclass(frozen=True, slots=True)
class Gold:
    """The gold of one solution.

    PRM800K's researchers mark a set of steps that it is reasonable to call the first error: `acceptable` holds their
    positions, and NO_ERROR if no error is acceptable, too. `ratings` are gold's ratings of single steps, by position.
    """

    acceptable: frozenset[int]
    ratings: Mapping[int, int]

    @classmethod
    def of(cls, ratings: Mapping[int, int], length: int, also: Iterable[int] = ()) -> Gold:
        """From gold's ratings of a solution with `length` steps; `also` are further acceptable first errors.

        Nothing is acceptable if a step before the first bad one has no rating: then only steps can be scored.
        """
        return cls(frozenset({first_error(ratings, length), *also} - {UNKNOWN}), dict(ratings))

    def accepts(self, position: int, rating: int, *, every_step: bool = False) -> bool | None:
        """Whether the rating is right as to bad or not bad; None where gold does not decide.

        At an acceptable first error bad is right, and so is not bad while a later first error, or none, is acceptable.
        Steps after the last acceptable one are not scored, unless labelers were asked to rate `every_step`.
        """
        errors = self.acceptable - {NO_ERROR}
        accepts_no_error = NO_ERROR in self.acceptable
        if position in errors:
            return rating == BAD or accepts_no_error or position < max(errors)
        if errors and not accepts_no_error and position > max(errors) and not every_step:
            return None
        if position not in self.ratings:
            return None
        return (rating == BAD) == (self.ratings[position] == BAD)


@dataclass(frozen=True, slots=True)
class Mark:
    """The score of one submission on gold. `exact` and `within_one` are None where gold names no first error.

    `steps` are of the steps that were rated; `scored_steps` is how many steps gold scores.
    """

    at: datetime
    exact: bool | None
    within_one: bool | None
    steps: Proportion
    scored_steps: int = 0
    left_early: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """`exact` and `within_one` are of tasks, `steps` of rated steps in `step_tasks` tasks."""

    exact: Proportion
    within_one: Proportion
    steps: Proportion
    step_tasks: int = 0


def mark_submission(
    gold: Gold,
    ratings: Mapping[int, int],
    *,
    length: int,
    at: datetime,
    every_step: bool = False,
    left_early: bool = False,
) -> Mark:
    """Score a submission's ratings, by position, of a solution with `length` steps.

    An UNKNOWN first error (a step before it is unsure) and a task that was left early are misses.
    """

    def accepts(position: int, rating: int) -> bool | None:
        return gold.accepts(position, rating, every_step=every_step)

    named = first_error(ratings, length)
    rights = [right for position, rating in ratings.items() if (right := accepts(position, rating)) is not None]
    steps = Proportion(sum(rights), len(rights))
    scored_steps = sum(accepts(position, BAD) is not None for position in range(length))
    if not gold.acceptable:
        return Mark(at, None, None, steps, scored_steps, left_early)
    is_exact = named in gold.acceptable
    # NO_ERROR has no neighbours.
    has_neighbour = named >= 0 and any(error >= 0 and abs(named - error) == 1 for error in gold.acceptable)
    is_near = is_exact or has_neighbour
    return Mark(at, is_exact and not left_early, is_near and not left_early, steps, scored_steps, left_early)


def gold_agreement(marks: Iterable[Mark], *, every_step: bool) -> float:
    """The agreement with gold of a screening, 0 to 1: the share of tasks whose first error is found, or of steps.

    With `every_step`, and where gold names no first error in any of the tasks, it is the share of steps that gold
    scores. Unsure steps, and all steps of a task that was left early, count as misses. Without marks it is 0.
    """
    given_marks = list(marks)
    exact = [] if every_step else [mark.exact for mark in given_marks if mark.exact is not None]
    if exact:
        return sum(exact) / len(exact)
    scored_steps = sum(mark.scored_steps for mark in given_marks)
    hits = sum(mark.steps.hits for mark in given_marks if not mark.left_early)
    return hits / scored_steps if scored_steps else 0.0


def score_marks(marks: Iterable[Mark]) -> Score:
    given_marks = list(marks)
    exact = [mark.exact for mark in given_marks if mark.exact is not None]
    near = [mark.within_one for mark in given_marks if mark.within_one is not None]
    return Score(
        Proportion(sum(exact), len(exact)),
        Proportion(sum(near), len(near)),
        Proportion(sum(mark.steps.hits for mark in given_marks), sum(mark.steps.of for mark in given_marks)),
        sum(mark.steps.of > 0 for mark in given_marks),
    )
