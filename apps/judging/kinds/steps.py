"""The first bad step of a solution, or a rating of each step up to it, by one or several votes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from apps.corpus.labels import UNKNOWN, majority
from apps.judging.kinds.base import Readings, Result, SolutionCase
from apps.judging.kinds.votes import SolutionVotes, failed_readings, plurality, readings_of, share_of, states_of
from apps.judging.verdicts import StepsVerdict


class Steps(SolutionVotes):
    """As ProcessBench asks its critics (arXiv:2412.06559, section 4.2), where the most frequent of 8 first errors wins.

    A tie is no verdict here. The ratings are those of the votes that name the winning first error.
    """

    name: ClassVar = "steps"
    title: ClassVar = "Steps"
    about: ClassVar = "The first bad step of a solution, with a reason or a rating for each step up to it."

    def result(self, case: SolutionCase, readings: Readings) -> Result:
        votes = readings_of(readings, range(self.options.votes))
        failure = failed_readings(votes)
        if failure is not None:
            return failure
        verdicts = [reading.verdict for reading in votes if isinstance(reading.verdict, StepsVerdict)]
        errors = [verdict.first_error for verdict in verdicts]
        counts = Counter(errors)
        by_error = {str(position): count for position, count in sorted(counts.items())} | states_of(votes)
        winner = plurality(counts)
        if winner is None:
            most = max(counts.values())
            named = ", ".join(_named(position) for position, count in sorted(counts.items()) if count == most)
            return Result("tied", f"The votes are tied, with {most} each for {named}.", votes=by_error)
        winning = [verdict for verdict, error in zip(verdicts, errors, strict=True) if error == winner]
        ratings = combined_ratings(winning)
        return Result(
            "verdict",
            share=share_of(len(winning), self.options.votes),
            votes=by_error,
            first_error=winner,
            ratings=ratings,
            reasons=_reasons(winning, ratings),
        )


def combined_ratings(verdicts: Sequence[StepsVerdict]) -> dict[int, int]:
    """The most frequent rating of each step by verdicts with the same first error, which stays theirs: it is bad for all.

    A step after the first bad one has a rating only if one is the most frequent: it may be missing.
    """
    if len(verdicts) == 1:
        return dict(sorted(verdicts[0].ratings.items()))
    positions = sorted({position for verdict in verdicts for position in verdict.ratings})
    votes = {
        position: [verdict.ratings[position] for verdict in verdicts if position in verdict.ratings]
        for position in positions
    }
    ratings = {position: majority(ratings) for position, ratings in votes.items()}
    return {position: rating for position, rating in ratings.items() if rating != UNKNOWN}


def _reasons(verdicts: Sequence[StepsVerdict], ratings: Mapping[int, int]) -> dict[int, str]:
    """The reasons of the one vote that has most of them for these ratings: texts of several votes make no critique."""
    fitting = [
        {
            position: reason
            for position, reason in verdict.reasons.items()
            if verdict.ratings.get(position) == ratings.get(position) is not None
        }
        for verdict in verdicts
    ]
    return max(fitting, key=len)


def _named(position: int) -> str:
    return f"step {position + 1}" if position >= 0 else "no bad step"
