"""Whether a solution reaches the right result, by one or several votes. Pure."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from apps.judging.kinds.base import Readings, Result, SolutionCase
from apps.judging.kinds.votes import SolutionVotes, failed_readings, plurality, readings_of, share_of, states_of
from apps.judging.verdicts import OutcomeVerdict

_NAMES = {True: "pass", False: "fail"}


class OutcomeKind(SolutionVotes):
    """The prompt decides whether the judge sees the reference: where it does, problems without one are left out."""

    name: ClassVar = "outcome"
    title: ClassVar = "Outcome"
    about: ClassVar = "Pass or fail: whether the result of a solution is right, with or without the reference."

    def result(self, case: SolutionCase, readings: Readings) -> Result:
        votes = readings_of(readings, range(self.options.votes))
        failure = failed_readings(votes)
        if failure is not None:
            return failure
        verdicts = [reading.verdict for reading in votes if isinstance(reading.verdict, OutcomeVerdict)]
        counts = Counter(verdict.passes for verdict in verdicts)
        by_name = {_NAMES[passes]: count for passes, count in counts.items()} | states_of(votes)
        passes = plurality(counts)
        if passes is None:
            return Result("tied", f"The votes are tied, with {counts[True]} each for pass and fail.", votes=by_name)
        winning = [verdict for verdict in verdicts if verdict.passes == passes]
        return Result(
            "verdict",
            share=share_of(len(winning), self.options.votes),
            votes=by_name,
            passes=passes,
            reason=next((verdict.reason for verdict in winning if verdict.reason), ""),
        )
