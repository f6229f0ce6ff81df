"""PRM800K's phase 2: rate the steps in order and stop at the first bad one.

The round may ask for more about the error: ratings of the alternatives for the bad step, how far the solution had come,
and critiques of the mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from apps.core.errors import Unprocessable
from apps.corpus.labels import BAD, RATINGS
from apps.labeling.protocols.base import (
    LEFT_EARLY,
    Options,
    SamplingOptions,
    TaskContext,
    answered_positions,
    bad_positions,
    check_shape,
    check_step_order,
    missing_ratings,
)
from apps.labeling.protocols.submission import Submission, SubmittedCritique

ONLY_AFTER_ERROR = "allowed only after an error, in a round that asks for it"


class FirstErrorOptions(SamplingOptions, frozen=True):
    """What is asked about the first bad step. Alternatives are sampled where the solution has none."""

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"alternatives", "progress", "critiques"})

    alternatives: bool = False
    progress: bool = False
    critiques: bool = False


class FirstError:
    name: ClassVar = "first_error"
    title: ClassVar = "First error"
    hint: ClassVar = "Find the first bad step, or rate all steps."
    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    options: ClassVar[type[Options]] = FirstErrorOptions

    def check(self, submission: Submission, context: TaskContext) -> None:
        error = error_position(submission, context)
        alternatives = alternatives_at(error, context)
        check_shape(submission, replace(context, alternatives=alternatives))
        on_path = [step for step in submission.steps if (step.position, step.candidate) not in alternatives]
        check_steps(replace(submission, steps=on_path), context)
        check_followup(submission, context, error)


def error_position(submission: Submission, context: TaskContext) -> int | None:
    """The position of the first step on the path that is rated bad."""
    bad = (step.position for step in submission.steps if context.is_on_path(step) and step.rating == BAD)
    return min(bad, default=None)


def alternatives_at(error: int | None, context: TaskContext) -> frozenset[tuple[int, int]]:
    """The places of the other candidates at the bad step, if the round asks for them."""
    if error is None or not context.options or not context.options.alternatives:
        return frozenset()
    candidates = (candidate.candidate for candidate in context.tree.solution_candidates(error))
    return frozenset((error, number) for number in candidates if number != context.path[error])


def check_steps(submission: Submission, context: TaskContext) -> None:
    check_step_order(submission)
    bad, reached = bad_positions(submission), answered_positions(submission)
    if bad and reached[-1] > bad[0]:
        raise Unprocessable(
            f"Step {bad[0] + 1} is bad: the steps after it must stay unrated.",
            fields={f"steps.{position}": "after the first bad step" for position in reached if position > bad[0]},
        )
    if submission.finish_reason in LEFT_EARLY:
        return
    if not bad and len(reached) < len(context.path):
        raise missing_ratings(sorted(set(context.path) - set(reached)))
    expected = "found_error" if bad else "solution"
    if submission.finish_reason != expected:
        raise Unprocessable(
            f"These ratings end as {expected}, not as {submission.finish_reason}.",
            fields={"finish_reason": f"must be {expected}"},
        )


def check_followup(submission: Submission, context: TaskContext, error: int | None) -> None:
    options = context.options or FirstErrorOptions()
    fields = _followup_errors(submission, context, error, options)
    if fields:
        raise Unprocessable("The answers about the error are not valid.", fields=fields)
    if submission.finish_reason in LEFT_EARLY or error is None:
        return
    answered = {(step.position, step.candidate) for step in submission.steps if step.is_answered}
    unrated = sorted(candidate for _, candidate in alternatives_at(error, context) - answered)
    fields = {f"steps.{error}.{candidate}": "not rated" for candidate in unrated}
    if options.progress and submission.progress is None:
        fields["progress"] = "required"
    if options.critiques and not submission.critiques:
        fields["critiques"] = "rate one, or write one"
    if fields:
        raise Unprocessable("The answers about the error are not complete.", code="incomplete", fields=fields)


def _followup_errors(
    submission: Submission, context: TaskContext, error: int | None, options: FirstErrorOptions
) -> dict[str, str]:
    fields: dict[str, str] = {}
    if submission.progress is not None:
        if not options.progress or error is None:
            fields["progress"] = ONLY_AFTER_ERROR
        elif submission.progress not in RATINGS:
            fields["progress"] = "must be -1, 0 or 1"
    shown = context.critiques.get(error, frozenset()) if error is not None else frozenset()
    rated_ids: set[int] = set()
    for index, critique in enumerate(submission.critiques):
        is_asked_for = options.critiques and error is not None
        problem = critique_error(critique, shown, rated_ids) if is_asked_for else ONLY_AFTER_ERROR
        if problem:
            fields[f"critiques[{index}]"] = problem
        if critique.id is not None:
            rated_ids.add(critique.id)
    return fields


def critique_error(critique: SubmittedCritique, shown: frozenset[int], rated_ids: set[int]) -> str | None:
    if critique.id is None:
        return None if (critique.text or "").strip() else "needs the ID of a critique and a rating, or a text"
    if critique.id not in shown:
        return f"the bad step has no critique {critique.id}"
    if critique.id in rated_ids:
        return "rated twice"
    return None if critique.rating in RATINGS else "the rating must be -1, 0 or 1"
