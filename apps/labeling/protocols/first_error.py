"""PRM800K's phase 2: rate the steps in order and stop at the first bad one."""

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
from apps.labeling.submissions import Submission


class FirstErrorOptions(Options, frozen=True):
    """There is nothing to set."""


class FirstError:
    name: ClassVar = "first_error"
    title: ClassVar = "First error"
    hint: ClassVar = "Find the first bad step, or rate all steps."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = FirstErrorOptions

    def check(self, submission: Submission, asked: Asked) -> None:
        check_shape(submission, asked)
        check_walk(submission)
        bad, reached = bad_positions(submission), answered_positions(submission)
        if bad and reached[-1] > bad[0]:
            raise Unprocessable(
                f"Step {bad[0] + 1} is bad: the steps after it stay unrated.",
                fields={f"steps.{position}": "after the first bad step" for position in reached if position > bad[0]},
            )
        if submission.finish_reason in LEFT_EARLY:
            return
        if not bad and len(reached) < len(asked.path):
            raise missing(sorted(set(asked.path) - set(reached)))
        expected = "found_error" if bad else "solution"
        if submission.finish_reason != expected:
            raise Unprocessable(
                f"These ratings end as {expected}, not as {submission.finish_reason}.",
                fields={"finish_reason": f"expected {expected}"},
            )
