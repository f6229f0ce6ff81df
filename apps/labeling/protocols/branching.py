"""PRM800K's phase 1: rate the candidates for the next step, choose or write one, and continue until the answer.

A great candidate must be chosen where there is one, else an okay candidate or a step that the labeler writes. A bad or
unsure candidate cannot be chosen. A step that states a final answer may end the solution but need not: people also
write "The answer is 7." and explain it in the next step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.corpus.labels import BAD, GREAT, OKAY, RATINGS
from apps.labeling.protocols.base import LEFT_EARLY, Options, SamplingOptions, TaskContext, ending_errors
from apps.labeling.protocols.candidate_tree import StepCandidate, is_final, own_number
from apps.labeling.protocols.submission import Submission, SubmittedStep

# The most positions that a submission may have.
MOST_POSITIONS = 200


class BranchingOptions(SamplingOptions, frozen=True):
    """`writes`: labelers may write a step where none is great. `starts_from="problems"`: the solution starts empty."""

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"writes"})

    writes: bool = True
    starts_from: Literal["solutions", "problems"] = "solutions"


class Branching:
    name: ClassVar = "branching"
    title: ClassVar = "Branching"
    hint: ClassVar = "Rate several candidates for the next step, choose or write one, and continue until the answer."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = BranchingOptions

    def check(self, submission: Submission, context: TaskContext) -> None:
        fields = ending_errors(submission)
        if submission.finish_reason == "found_error":
            fields["finish_reason"] = "must be solution, give_up or bad_problem"
        steps = list(branch_steps(submission, context))
        for step in steps:
            fields |= step.errors(context.options)
        if fields:
            raise Unprocessable("The submission is not valid.", fields=fields)
        for step in steps:
            step.check_rated()
        if submission.finish_reason not in LEFT_EARLY and not (steps and steps[-1].ends):
            raise Unprocessable(
                "No step that states a final answer is chosen yet.",
                code="incomplete",
                fields={f"steps.{max(0, len(steps) - 1)}": "does not state the final answer"},
            )


class BranchStep:
    """The answers at one position: ratings of the candidates there, and perhaps a step that the labeler wrote.

    `answers` are pairs of a step's index in the submission and the step; `prefix` are the texts chosen before it.
    """

    def __init__(
        self,
        position: int,
        candidates: Sequence[StepCandidate],
        answers: Sequence[tuple[int, SubmittedStep]],
        prefix: Sequence[str],
    ) -> None:
        self.position, self.candidates, self.prefix = position, candidates, tuple(prefix)
        self.answers = answers
        self.own = next((step for _, step in answers if step.text is not None), None)
        chosen = [step for _, step in answers if step.chosen]
        self.chosen = chosen[0] if chosen else None
        self.chosen_count = len(chosen)

    @property
    def text(self) -> str | None:
        """The text of the chosen step."""
        if self.chosen is None:
            return None
        if self.chosen.text is not None:
            return self.chosen.text.strip()
        number = self.chosen.candidate
        return next((candidate.text for candidate in self.candidates if candidate.candidate == number), None)

    @property
    def ends(self) -> bool:
        return self.text is not None and is_final(self.text)

    def check_rated(self) -> None:
        """Raises Unprocessable if a step was chosen and a candidate has no rating.

        Without a choice the labeler stopped here early, and the ratings may be incomplete.
        """
        answered = {step.candidate for _, step in self.answers if step.is_answered}
        unrated = [candidate.candidate for candidate in self.candidates if candidate.candidate not in answered]
        if self.chosen is not None and unrated:
            numbers = ", ".join(str(number + 1) for number in unrated[:5])
            raise Unprocessable(
                f"Not rated yet at step {self.position + 1}: candidate {numbers}.",
                code="incomplete",
                fields={f"steps.{self.position}.{number}": "not rated" for number in unrated},
            )

    def errors(self, options: BranchingOptions) -> dict[str, str]:
        """What is wrong with the answers, by field."""
        rated: set[int] = set()
        fields: dict[str, str] = {}
        for index, step in self.answers:
            error = "rated twice" if step.candidate in rated else self._error_of(step, options)
            rated.add(step.candidate)
            if error:
                fields[f"steps[{index}]"] = error
        return fields

    def _error_of(self, step: SubmittedStep, options: BranchingOptions) -> str | None:
        if step.rating is not None and step.rating not in RATINGS:
            return "the rating must be -1, 0, 1 or null"
        if step.chosen and self.chosen_count > 1:
            return "only one candidate can be chosen at a position"
        best = max((other.rating for _, other in self.answers if other.rating is not None), default=BAD)
        if step.text is not None:
            return self._error_of_own(step, options, best)
        if step.candidate not in {candidate.candidate for candidate in self.candidates}:
            return f"the task has no step {step.position}, candidate {step.candidate}"
        if step.chosen and (step.unsure or step.rating is None or step.rating < OKAY):
            return "the chosen candidate must be great, or okay where none is great"
        is_beaten = step.chosen and step.rating is not None and step.rating < best
        return "a candidate here is great: choose that" if is_beaten else None

    def _error_of_own(self, step: SubmittedStep, options: BranchingOptions, best: int) -> str | None:
        """What is wrong with a step that the labeler wrote; `best` is the best rating of a candidate here."""
        if not options.writes:
            return "this round does not accept steps written by labelers"
        if not (step.text or "").strip():
            return "the step has no text"
        if step.candidate != own_number(self.candidates):
            return f"a step that you write here must be candidate {own_number(self.candidates)}"
        if not step.chosen:
            return "a step that you write must be chosen"
        return "a candidate here is great: choose that" if best == GREAT else None


def branch_steps(submission: Submission, context: TaskContext) -> Iterator[BranchStep]:
    """The positions in order, each with the candidates that follow the texts chosen before it.

    Raises Unprocessable where a position is answered although none is chosen at the one before.
    """
    prefix: list[str] = []
    answers: dict[int, list[tuple[int, SubmittedStep]]] = {}
    for index, step in enumerate(submission.steps):
        answers.setdefault(step.position, []).append((index, step))
    for position in sorted(answers):
        if position != len(prefix) or position >= MOST_POSITIONS:
            raise Unprocessable(
                f"Step {position + 1} cannot be rated: no candidate is chosen at step {len(prefix) + 1}.",
                code="incomplete",
                fields={f"steps.{len(prefix)}": "no candidate is chosen"},
            )
        candidates, _ = context.tree.after(prefix) or ([], "")
        branch_step = BranchStep(position, candidates, answers[position], prefix)
        yield branch_step
        if branch_step.text is not None:
            prefix.append(branch_step.text)
