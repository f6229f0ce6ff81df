"""How a labeler does on gold: by first error and by step, overall and in the course of time. Pure.

The one scorer: gold marks, screenings, suspensions, "My work" and the labelers page all measure with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.statistics import Proportion
from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN, first_error


@dataclass(frozen=True, slots=True)
class Gold:
    """What a reviewer vouches for.

    PRM800K's researchers mark a set of steps that it is reasonable to call the first error: `acceptable` holds
    positions, and NO_ERROR where "no bad step" is acceptable, too. `ratings` are of single steps, where vouched for.
    """

    acceptable: frozenset[int]
    ratings: Mapping[int, int]

    @classmethod
    def of(cls, ratings: Mapping[int, int], length: int, also: Iterable[int] = ()) -> Gold:
        """From gold ratings: the first bad step, NO_ERROR when all `length` steps are rated and none is bad.

        `also` are further acceptable first errors. Nothing is acceptable where the ratings have a gap before any bad
        step: then only steps can be scored.
        """
        return cls(frozenset({first_error(ratings, length), *also} - {UNKNOWN}), dict(ratings))

    def accepts(self, position: int, rating: int, *, every_step: bool = False) -> bool | None:
        """Whether this rating of this step is right as to bad or not bad; None where gold does not say.

        At an acceptable first error bad is right, and so is not bad while a later end is acceptable. Steps after
        the last acceptable one say nothing of a labeler, unless they were asked to rate `every_step`.
        """
        errors = self.acceptable - {NO_ERROR}
        is_open = NO_ERROR in self.acceptable
        if position in errors:
            return rating == BAD or is_open or position < max(errors)
        if errors and not is_open and position > max(errors) and not every_step:
            return None
        if position not in self.ratings:
            return None
        return (rating == BAD) == (self.ratings[position] == BAD)


@dataclass(frozen=True, slots=True)
class Mark:
    """One labeler's first submission of one gold task. `exact` and `within_one` are None where gold names no first error.

    `steps` are of those that were rated; `asked` is how many steps gold speaks of.
    """

    at: datetime
    exact: bool | None
    within_one: bool | None
    steps: Proportion
    asked: int = 0
    left_early: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """`exact` and `within_one` are of tasks, `steps` of rated steps in `step_tasks` tasks."""

    exact: Proportion
    within_one: Proportion
    steps: Proportion
    step_tasks: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime
    score: Score


def mark(
    gold: Gold,
    said: Mapping[int, int],
    *,
    length: int,
    at: datetime,
    every_step: bool = False,
    left_early: bool = False,
) -> Mark:
    """One submission against gold. A first error that cannot be told (unsure before it) and one who left are misses."""

    def accepts(position: int, rating: int) -> bool | None:
        return gold.accepts(position, rating, every_step=every_step)

    word = first_error(said, length)
    rights = [right for position, rating in said.items() if (right := accepts(position, rating)) is not None]
    steps = Proportion(sum(rights), len(rights))
    asked = sum(accepts(position, BAD) is not None for position in range(length))
    if not gold.acceptable:
        return Mark(at, None, None, steps, asked, left_early)
    is_exact = word in gold.acceptable and not left_early
    return Mark(at, is_exact, _is_near(word, gold.acceptable) and not left_early, steps, asked, left_early)


def agreement(marks: Iterable[Mark], *, every_step: bool) -> float:
    """What a screening is scored by, 0 to 1: the share of tasks whose first error is found, or of steps.

    Under `every_step` each step that gold speaks of counts; unsure steps, and all steps of a task that was left early,
    agree with nothing. So it is, too, where gold names no first error in any of the tasks. No marks agree with nothing.
    """
    given = list(marks)
    exact = [] if every_step else [one.exact for one in given if one.exact is not None]
    if exact:
        return sum(exact) / len(exact)
    asked = sum(one.asked for one in given)
    return sum(one.steps.hits for one in given if not one.left_early) / asked if asked else 0.0


def score(marks: Iterable[Mark]) -> Score:
    told = list(marks)
    exact = [one.exact for one in told if one.exact is not None]
    near = [one.within_one for one in told if one.within_one is not None]
    return Score(
        Proportion(sum(exact), len(exact)),
        Proportion(sum(near), len(near)),
        Proportion(sum(one.steps.hits for one in told), sum(one.steps.of for one in told)),
        sum(one.steps.of > 0 for one in told),
    )


def over_time(marks: Sequence[Mark], width: timedelta) -> list[Window]:
    """The score of each window from the first mark on; windows without a mark are left out."""
    if not marks:
        return []
    begin = min(one.at for one in marks)
    windows: dict[int, list[Mark]] = {}
    for one in marks:
        windows.setdefault((one.at - begin) // width, []).append(one)
    return [
        Window(begin + number * width, begin + (number + 1) * width, score(inside))
        for number, inside in sorted(windows.items())
    ]


def _is_near(word: int, acceptable: frozenset[int]) -> bool:
    """Acceptable, or next to an acceptable position. "No error" is next to nothing."""
    return word in acceptable or (word >= 0 and any(one >= 0 and abs(word - one) == 1 for one in acceptable))
