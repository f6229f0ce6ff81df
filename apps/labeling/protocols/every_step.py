"""Rate every step; a bad one does not end the walk."""

from __future__ import annotations

from collections.abc import Mapping

from apps.core.errors import Unprocessable
from apps.labeling.protocols.base import (
    LEFT_EARLY,
    answered_positions,
    bad_positions,
    check_shape,
    check_walk,
    missing,
)
from apps.labeling.submissions import Submission


class EveryStep:
    name = "every_step"
    title = "Every step"
    hint = "Rate every step."

    def check(self, submission: Submission, path: Mapping[int, int]) -> None:
        check_shape(submission, path)
        check_walk(submission)
        if submission.finish_reason in LEFT_EARLY:
            return
        unrated = sorted(set(path) - set(answered_positions(submission)))
        if unrated:
            raise missing(unrated)
        # The labeler did walk to the end, so both reasons are true of a solution with a bad step.
        if submission.finish_reason == "found_error" and not bad_positions(submission):
            raise Unprocessable("No step is rated bad.", fields={"finish_reason": "expected solution"})
