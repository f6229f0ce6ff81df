"""How a labeler does on gold: by first error and by step, overall and in the course of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN, first_error
from apps.quality.shares import Share


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

    def accepts(self, position: int, rating: int) -> bool | None:
        """Whether this rating of this step is right as to bad or not bad; None where gold does not say.

        At an acceptable first error bad is right, and so is not bad while a later end is acceptable. Steps after
        the last acceptable one say nothing of a labeler.
        """
        errors = self.acceptable - {NO_ERROR}
        is_open = NO_ERROR in self.acceptable
        if position in errors:
            return rating == BAD or is_open or position < max(errors)
        if errors and not is_open and position > max(errors):
            return None
        if position not in self.ratings:
            return None
        return (rating == BAD) == (self.ratings[position] == BAD)


@dataclass(frozen=True, slots=True)
class Mark:
    """One labeler's turn at one gold task. `exact` and `within_one` are None where gold names no first error."""

    at: datetime
    exact: bool | None
    within_one: bool | None
    steps: Share


@dataclass(frozen=True, slots=True)
class Score:
    """`exact` and `within_one` are of tasks, `steps` of rated steps."""

    exact: Share
    within_one: Share
    steps: Share


@dataclass(frozen=True, slots=True)
class Window:
    start: datetime
    end: datetime
    score: Score


def mark(gold: Gold, said: Mapping[int, int], *, length: int, at: datetime) -> Mark:
    """One turn against gold. A first error that cannot be told (gave up, unsure before it) is a miss."""
    word = first_error(said, length)
    rights = [right for position, rating in said.items() if (right := gold.accepts(position, rating)) is not None]
    steps = Share(sum(rights), len(rights))
    if not gold.acceptable:
        return Mark(at, None, None, steps)
    return Mark(at, word in gold.acceptable, _is_near(word, gold.acceptable), steps)


def score(marks: Iterable[Mark]) -> Score:
    told = list(marks)
    exact = [one.exact for one in told if one.exact is not None]
    near = [one.within_one for one in told if one.within_one is not None]
    return Score(
        Share(sum(exact), len(exact)),
        Share(sum(near), len(near)),
        Share(sum(one.steps.hits for one in told), sum(one.steps.of for one in told)),
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
