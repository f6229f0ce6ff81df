"""What labelers said at first: gold, speed and agreement are measured on it, whatever they or reviewers corrected later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.corpus.models import Step
from apps.labeling.models import Assignment, PastSubmission, StepLabel
from apps.labeling.protocols.base import LEFT_EARLY
from apps.labeling.protocols.submission import Submission


@dataclass(slots=True)
class FirstSubmission:
    """Ratings by position, of steps on the solution's own path; unsure and unrated steps are left out."""

    ratings: dict[int, int] = field(default_factory=dict)
    left_early: bool = False
    active_ms: int | None = None
    at: datetime | None = None


def first_submissions_of(assignments: Sequence[Assignment]) -> dict[int, FirstSubmission]:
    """By assignment id, in three queries at most. The assignments come with their tasks."""
    found = {
        one.pk: FirstSubmission({}, one.finish_reason in LEFT_EARLY, one.active_ms, one.submitted_at)
        for one in assignments
    }
    labels = StepLabel.objects.filter(assignment__in=assignments, step__chosen=True, rating__isnull=False)
    for pk, position, rating in labels.values_list("assignment_id", "step__position", "rating"):
        found[pk].ratings[position] = rating or 0
    changed = {one.pk: one.task.solution_id for one in assignments if one.versions}
    if changed:
        found |= _replaced(changed)
    return found


def _replaced(solution_of: Mapping[int, int | None]) -> dict[int, FirstSubmission]:
    """First submissions that were corrected or returned later, by assignment id."""
    solutions = {pk for pk in solution_of.values() if pk is not None}
    steps = Step.objects.filter(solution__in=solutions, chosen=True)
    paths: dict[int, dict[int, int]] = {pk: {} for pk in solutions}
    for solution_id, position, candidate in steps.values_list("solution_id", "position", "candidate"):
        paths[solution_id][position] = candidate
    found = {}
    past = PastSubmission.objects.filter(assignment__in=solution_of, number=1)
    for pk, said, at in past.values_list("assignment_id", "said", "submitted_at"):
        first = Submission.from_dict(said)
        path = paths.get(solution_of[pk] or 0, {})
        ratings = {
            step.position: step.rating
            for step in first.steps
            if step.rating is not None and path.get(step.position) == step.candidate
        }
        found[pk] = FirstSubmission(ratings, first.finish_reason in LEFT_EARLY, first.active_ms, at)
    return found


def before_departure(assignments: Sequence[Assignment]) -> dict[int, dict[int, int]]:
    """Of dialogues that grew a solution: their ratings of the task's own steps, up to where they went another way.

    The steps of a grown solution are copies, so that the text says which of them is the task's own.
    """
    solutions = {pk for one in assignments for pk in (one.task.solution_id, one.grown_id) if pk is not None}
    paths: dict[int, dict[int, str]] = {pk: {} for pk in solutions}
    for pk, position, text in Step.objects.filter(solution__in=solutions, chosen=True).values_list(
        "solution_id", "position", "text"
    ):
        paths[pk][position] = text
    said: dict[int, list[tuple[int, str, int]]] = {one.pk: [] for one in assignments}
    labels = StepLabel.objects.filter(assignment__in=assignments, rating__isnull=False).order_by("step__position")
    for pk, position, text, rating in labels.values_list("assignment_id", "step__position", "step__text", "rating"):
        said[pk].append((position, text, rating or 0))
    return {
        one.pk: _own_ratings(said[one.pk], paths[one.task.solution_id or 0], paths[one.grown_id or 0])
        for one in assignments
    }


def _own_ratings(
    said: Sequence[tuple[int, str, int]], own: Mapping[int, str], taken: Mapping[int, str]
) -> dict[int, int]:
    shared = 0
    while shared in own and own[shared] == taken.get(shared):
        shared += 1
    return {position: rating for position, text, rating in said if position <= shared and text == own.get(position)}
