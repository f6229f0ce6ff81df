"""PRM800K's phase 1: rate the candidates for the next step, choose one or write one, and go on to an answer.

What may be chosen: one of the great candidates; where none is great, an okay one, or a step that the labeler writes.
Never a bad one, nor one that the labeler is unsure of. A step that states a final answer may end the dialogue, and
need not: people also write "The answer is 7." and let the next step set it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.corpus.labels import RATINGS
from apps.labeling.protocols.base import LEFT_EARLY, Asked, Options, SamplingOptions, ending_complaints
from apps.labeling.protocols.candidate_tree import Candidate, is_final, own_number
from apps.labeling.protocols.submission import Submission, SubmittedStep

# A dialogue that is longer than this leads nowhere.
MOST_POSITIONS = 200


class BranchingOptions(SamplingOptions, frozen=True):
    """`writes`: the labeler may write a step where none is great. `starts_from` problems: nothing stands beforehand."""

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"writes"})

    writes: bool = True
    starts_from: Literal["solutions", "problems"] = "solutions"


class Branching:
    name: ClassVar = "branching"
    title: ClassVar = "Branching"
    hint: ClassVar = "Rate several next steps, choose one or write your own, up to the answer."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = BranchingOptions

    def check(self, submission: Submission, asked: Asked) -> None:
        fields = ending_complaints(submission)
        if submission.finish_reason == "found_error":
            fields["finish_reason"] = "expected solution"
        turns = list(branch_steps(submission, asked))
        for turn in turns:
            fields |= turn.complaints(asked.options)
        if fields:
            raise Unprocessable("The submission cannot be read.", fields=fields)
        _check_walk(turns)
        if submission.finish_reason not in LEFT_EARLY and not (turns and turns[-1].ends):
            raise Unprocessable(
                "No step that states a final answer is chosen yet.",
                code="incomplete",
                fields={f"steps.{max(0, len(turns) - 1)}": "does not end the solution"},
            )


class BranchStep:
    """What was said at one position: of the candidates that stood there, and of a step of the labeler's own."""

    def __init__(
        self,
        position: int,
        offered: Sequence[Candidate],
        said: Sequence[tuple[int, SubmittedStep]],
        prefix: Sequence[str],
    ) -> None:
        self.position, self.offered, self.prefix = position, offered, tuple(prefix)
        self.said = said
        self.own = next((step for _, step in said if step.text is not None), None)
        chosen = [step for _, step in said if step.chosen]
        self.chosen = chosen[0] if chosen else None
        self.choices = len(chosen)

    @property
    def text(self) -> str | None:
        """The text of what was chosen."""
        if self.chosen is None:
            return None
        if self.chosen.text is not None:
            return self.chosen.text.strip()
        return next((one.text for one in self.offered if one.candidate == self.chosen.candidate), None)

    @property
    def ends(self) -> bool:
        return self.text is not None and is_final(self.text)

    def unrated(self) -> list[int]:
        answered = {step.candidate for _, step in self.said if step.is_answered}
        return [one.candidate for one in self.offered if one.candidate not in answered]

    def complaints(self, options: BranchingOptions) -> dict[str, str]:
        seen: set[int] = set()
        fields: dict[str, str] = {}
        for index, step in self.said:
            complaint = "rated twice" if step.candidate in seen else self._complaint(step, options)
            seen.add(step.candidate)
            if complaint:
                fields[f"steps[{index}]"] = complaint
        return fields

    def _complaint(self, step: SubmittedStep, options: BranchingOptions) -> str | None:
        if step.rating is not None and step.rating not in RATINGS:
            return "the rating is -1, 0, 1 or null"
        if step.chosen and self.choices > 1:
            return "one candidate is chosen at each position"
        if step.text is not None:
            return self._complaint_of_own(step, options)
        if step.candidate not in {one.candidate for one in self.offered}:
            return f"nothing is offered as step {step.position}, candidate {step.candidate}"
        return self._complaint_of_choice(step) if step.chosen else None

    def _complaint_of_own(self, step: SubmittedStep, options: BranchingOptions) -> str | None:
        if not options.writes:
            return "steps of one's own are not taken in this round"
        if not (step.text or "").strip():
            return "the step has no text"
        if step.candidate != own_number(self.offered):
            return f"a step of one's own is candidate {own_number(self.offered)} here"
        if not step.chosen:
            return "a step of one's own is chosen, or not handed in"
        return "a candidate here is great: choose that" if self._best() == 1 else None

    def _complaint_of_choice(self, step: SubmittedStep) -> str | None:
        if step.unsure or step.rating is None or step.rating < 0:
            return "what is chosen is great, or okay where none is great"
        return "a candidate here is great: choose that" if step.rating < self._best() else None

    def _best(self) -> int:
        return max((step.rating for _, step in self.said if step.rating is not None), default=-1)


def branch_steps(submission: Submission, asked: Asked) -> Iterator[BranchStep]:
    """The positions in order, each with the candidates that stand after what was chosen before it."""
    prefix: list[str] = []
    said: dict[int, list[tuple[int, SubmittedStep]]] = {}
    for index, step in enumerate(submission.steps):
        said.setdefault(step.position, []).append((index, step))
    for position in sorted(said):
        if position != len(prefix) or position >= MOST_POSITIONS:
            raise Unprocessable(
                f"Nothing leads to step {position + 1}: nothing is chosen at step {len(prefix) + 1}.",
                code="incomplete",
                fields={f"steps.{len(prefix)}": "nothing is chosen"},
            )
        offered, _ = asked.ways.after(prefix) or ([], "")
        turn = BranchStep(position, offered, said[position], prefix)
        yield turn
        if turn.text is not None:
            prefix.append(turn.text)


def _check_walk(turns: Sequence[BranchStep]) -> None:
    """All candidates are rated wherever one was chosen. Who stops early may leave the last ones open."""
    for turn in turns:
        left = turn.unrated()
        if turn.chosen is not None and left:
            numbers = ", ".join(str(number + 1) for number in left[:5])
            raise Unprocessable(
                f"Not rated yet at step {turn.position + 1}: candidate {numbers}.",
                code="incomplete",
                fields={f"steps.{turn.position}.{number}": "not rated" for number in left},
            )
