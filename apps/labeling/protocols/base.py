"""What every protocol has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol as TypingProtocol

from apps.core.errors import Unprocessable
from apps.labeling.submissions import FINISH_REASONS, RATINGS, Submission, SubmittedStep

LEFT_EARLY = ("give_up", "bad_problem")


class Protocol(TypingProtocol):
    """A way to label one solution."""

    name: str
    title: str
    hint: str

    def check(self, submission: Submission, path: Mapping[int, int]) -> None:
        """Raise Unprocessable, naming fields, unless the submission is finished.

        `path` gives the candidate on the solution's own path at each position.
        """


def check_shape(submission: Submission, path: Mapping[int, int]) -> None:
    """What holds under every protocol: known steps, each once and in order, known values, a reason."""
    fields: dict[str, str] = {}
    if submission.finish_reason not in FINISH_REASONS:
        fields["finish_reason"] = f"one of {', '.join(FINISH_REASONS)}"
    if submission.finish_reason in LEFT_EARLY and not submission.reason.strip():
        fields["reason"] = "say why"
    for index, step in enumerate(submission.steps):
        complaint = _complaint(step, path, {(one.position, one.candidate) for one in submission.steps[:index]})
        if complaint:
            fields[f"steps[{index}]"] = complaint
    if fields:
        raise Unprocessable("The submission cannot be read.", fields=fields)


def _complaint(step: SubmittedStep, path: Mapping[int, int], seen: set[tuple[int, int]]) -> str | None:
    if step.position not in path or path[step.position] != step.candidate:
        return f"the task has no step {step.position}, candidate {step.candidate}"
    if (step.position, step.candidate) in seen:
        return "rated twice"
    if step.rating is not None and step.rating not in RATINGS:
        return "the rating is -1, 0, 1 or null"
    return None


def answered_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.is_answered)


def check_walk(submission: Submission) -> None:
    """The rated steps are the first ones, without a gap: steps are reached in order."""
    positions = answered_positions(submission)
    for expected, found in enumerate(positions):
        if expected != found:
            raise missing([expected])
    if len(positions) != len(submission.steps):
        unanswered = sorted(step.position for step in submission.steps if not step.is_answered)
        raise missing(unanswered)


def missing(positions: Sequence[int]) -> Unprocessable:
    """People count steps from 1, fields from 0."""
    numbers = ", ".join(str(position + 1) for position in positions[:5])
    return Unprocessable(
        f"Not rated yet: step {numbers}{' and more' if len(positions) > 5 else ''}.",
        code="incomplete",
        fields={f"steps.{position}": "not rated" for position in positions},
    )


def bad_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.rating == -1)
