"""Rate every step; a bad one does not end the walk."""

from __future__ import annotations

from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.labeling.protocols.base import (
    LEFT_EARLY,
    Asked,
    Options,
    answered_positions,
    bad_positions,
    check_shape,
    check_walk,
    missing,
)
from apps.labeling.protocols.submission import Submission


class EveryStepOptions(Options, frozen=True):
    """There is nothing to set."""


class EveryStep:
    name: ClassVar = "every_step"
    title: ClassVar = "Every step"
    hint: ClassVar = "Rate every step."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = EveryStepOptions

    def check(self, submission: Submission, asked: Asked) -> None:
        check_shape(submission, asked)
        check_walk(submission)
        if submission.finish_reason in LEFT_EARLY:
            return
        unrated = sorted(set(asked.path) - set(answered_positions(submission)))
        if unrated:
            raise missing(unrated)
        # The labeler did walk to the end, so both reasons are true of a solution with a bad step.
        if submission.finish_reason == "found_error" and not bad_positions(submission):
            raise Unprocessable("No step is rated bad.", fields={"finish_reason": "expected solution"})
