"""Rate every step: a bad step does not end the task."""

from __future__ import annotations

from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.labeling.protocols.base import (
    LEFT_EARLY,
    Options,
    TaskContext,
    answered_positions,
    bad_positions,
    check_shape,
    check_step_order,
    missing_ratings,
)
from apps.labeling.protocols.submission import Submission


class EveryStepOptions(Options, frozen=True):
    """This protocol has no options."""


class EveryStep:
    name: ClassVar = "every_step"
    title: ClassVar = "Every step"
    hint: ClassVar = "Rate every step."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = EveryStepOptions

    def check(self, submission: Submission, context: TaskContext) -> None:
        check_shape(submission, context)
        check_step_order(submission)
        if submission.finish_reason in LEFT_EARLY:
            return
        unrated = sorted(set(context.path) - set(answered_positions(submission)))
        if unrated:
            raise missing_ratings(unrated)
        # Both reasons hold for a solution with a bad step, since the labeler did reach its end.
        if submission.finish_reason == "found_error" and not bad_positions(submission):
            raise Unprocessable("No step is rated bad.", fields={"finish_reason": "must be solution"})
