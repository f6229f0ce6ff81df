"""PRM800K's phase 2: rate the steps in order and stop at the first bad one.

What follows the error is asked for where the round says so: ratings of the alternatives for the bad step, how far the
solution had come, and critiques of the mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.corpus.labels import RATINGS
from apps.labeling.protocols.base import (
    LEFT_EARLY,
    Asked,
    Options,
    SamplingOptions,
    answered_positions,
    bad_positions,
    check_shape,
    check_walk,
    missing,
)
from apps.labeling.protocols.submission import Submission, SubmittedCritique


class FirstErrorOptions(SamplingOptions, frozen=True):
    """What follows the error: each part may be asked for. `candidates` alternatives are sampled where none stand."""

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"alternatives", "progress", "critiques"})

    alternatives: bool = False
    progress: bool = False
    critiques: bool = False

    @property
    def asks_more(self) -> bool:
        return self.alternatives or self.progress or self.critiques


class FirstError:
    name: ClassVar = "first_error"
    title: ClassVar = "First error"
    hint: ClassVar = "Find the first bad step, or rate all steps."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = FirstErrorOptions

    def check(self, submission: Submission, asked: Asked) -> None:
        error = first_bad(submission, asked)
        alternatives = alternatives_at(error, asked)
        check_shape(submission, replace(asked, alternatives=alternatives))
        on_path = [step for step in submission.steps if (step.position, step.candidate) not in alternatives]
        _check_steps(replace(submission, steps=on_path), asked)
        _check_aftermath(submission, asked, error)


def first_bad(submission: Submission, asked: Asked) -> int | None:
    """The position of the first step on the path that is called bad."""
    return min((step.position for step in submission.steps if asked.knows(step) and step.rating == -1), default=None)


def alternatives_at(error: int | None, asked: Asked) -> frozenset[tuple[int, int]]:
    """The other candidates at the bad step, where the round asks for them."""
    if error is None or not asked.options or not asked.options.alternatives:
        return frozenset()
    offered = asked.ways.of_solution(error)
    return frozenset((error, one.candidate) for one in offered if one.candidate != asked.path[error])


def _check_steps(submission: Submission, asked: Asked) -> None:
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


def _check_aftermath(submission: Submission, asked: Asked, error: int | None) -> None:
    options = asked.options or FirstErrorOptions()
    fields = _complaints(submission, asked, error, options)
    if fields:
        raise Unprocessable("What follows the error cannot be read.", fields=fields)
    if submission.finish_reason in LEFT_EARLY or error is None:
        return
    answered = {(step.position, step.candidate) for step in submission.steps if step.is_answered}
    left = sorted(candidate for _, candidate in alternatives_at(error, asked) - answered)
    fields = {f"steps.{error}.{candidate}": "not rated" for candidate in left}
    if options.progress and submission.progress is None:
        fields["progress"] = "say how far it came"
    if options.critiques and not submission.critiques:
        fields["critiques"] = "rate one, or write one"
    if fields:
        raise Unprocessable("Something is missing about the error.", code="incomplete", fields=fields)


def _complaints(submission: Submission, asked: Asked, error: int | None, options: FirstErrorOptions) -> dict[str, str]:
    fields: dict[str, str] = {}
    if submission.progress is not None:
        if not options.progress or error is None:
            fields["progress"] = "is asked for only after an error, where the round says so"
        elif submission.progress not in RATINGS:
            fields["progress"] = "-1, 0 or 1"
    known = asked.critiques.get(error, frozenset()) if error is not None else frozenset()
    seen: set[int] = set()
    for index, critique in enumerate(submission.critiques):
        complaint = (
            _complaint(critique, known, seen)
            if options.critiques and error is not None
            else "is asked for only after an error, where the round says so"
        )
        if complaint:
            fields[f"critiques[{index}]"] = complaint
        if critique.id is not None:
            seen.add(critique.id)
    return fields


def _complaint(critique: SubmittedCritique, known: frozenset[int], seen: set[int]) -> str | None:
    if critique.id is None:
        return None if (critique.text or "").strip() else "the id of a critique and a rating, or a text"
    if critique.id not in known:
        return f"the bad step has no critique {critique.id}"
    if critique.id in seen:
        return "rated twice"
    return None if critique.rating in RATINGS else "the rating is -1, 0 or 1"
