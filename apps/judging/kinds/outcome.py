"""Whether a solution reaches the right result, by one or several votes. Pure."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Literal

from apps.judging.kinds.base import Ask, KindOptions, Readings, Result, SolutionCase, VoteOptions
from apps.judging.kinds.votes import VotingKind, failed_readings, plurality, readings_of, share_of, states_of
from apps.judging.parsers import Shown
from apps.judging.verdicts import OutcomeVerdict

_NAMES = {True: "pass", False: "fail"}


class OutcomeKind(VotingKind[SolutionCase]):
    """The prompt decides whether the judge sees the reference: where it does, problems without one are left out."""

    name: ClassVar = "outcome"
    title: ClassVar = "Outcome"
    about: ClassVar = "Pass or fail: whether the result of a solution is right, with or without the reference."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    option_type: ClassVar[type[KindOptions]] = VoteOptions

    @property
    def requests(self) -> int:
        return self.options.votes

    def asks(self, case: SolutionCase, readings: Readings) -> list[Ask]:
        slots = [slot for slot in range(self.options.votes) if slot not in readings]
        if not slots:
            return []
        texts = {"problem": case.problem, "reference": case.reference, "solution": case.text}
        prompt = self.prompt.request(texts, case.steps)
        shown = Shown(len(case.steps), self._visible(case))
        return [self._ask(slot, prompt, shown) for slot in slots]

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
