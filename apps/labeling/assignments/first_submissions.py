"""Labelers' first submissions: gold, speed and agreement are measured on them, regardless of later corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
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


def path_ratings_of(assignment_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """By assignment id: its ratings of steps on the solution's own path as they are now, by position."""
    ratings: defaultdict[int, dict[int, int]] = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=assignment_ids, step__chosen=True, rating__isnull=False)
    for pk, position, rating in labels.values_list("assignment_id", "step__position", "rating"):
        ratings[pk][position] = rating or 0
    return dict(ratings)


def first_submissions_of(
    assignments: Sequence[Assignment], ratings: Mapping[int, dict[int, int]] | None = None
) -> dict[int, FirstSubmission]:
    """By assignment id, in at most three queries. The assignments must have their tasks loaded.

    `ratings` are those of `path_ratings_of`, where the caller has read them.
    """
    if ratings is None:
        ratings = path_ratings_of([assignment.pk for assignment in assignments])
    submissions = {
        assignment.pk: FirstSubmission(
            ratings.get(assignment.pk, {}),
            assignment.finish_reason in LEFT_EARLY,
            assignment.active_ms,
            assignment.submitted_at,
        )
        for assignment in assignments
    }
    replaced = {assignment.pk: assignment.task.solution_id for assignment in assignments if assignment.versions}
    if replaced:
        submissions |= archived_first_submissions(replaced)
    return submissions


def archived_first_submissions(solution_of: Mapping[int, int | None]) -> dict[int, FirstSubmission]:
    """First submissions that were corrected or returned later; `solution_of` maps assignment to solution ids."""
    solutions = {pk for pk in solution_of.values() if pk is not None}
    steps = Step.objects.filter(solution__in=solutions, chosen=True)
    paths: dict[int, dict[int, int]] = {pk: {} for pk in solutions}
    for solution_id, position, candidate in steps.values_list("solution_id", "position", "candidate"):
        paths[solution_id][position] = candidate
    submissions: dict[int, FirstSubmission] = {}
    past = PastSubmission.objects.filter(assignment__in=solution_of, number=1)
    for pk, stored, at in past.values_list("assignment_id", "submission", "submitted_at"):
        submission = Submission.from_dict(stored)
        path = paths.get(solution_of[pk] or 0, {})
        ratings = {
            step.position: step.rating
            for step in submission.steps
            if step.rating is not None and path.get(step.position) == step.candidate
        }
        is_early = submission.finish_reason in LEFT_EARLY
        submissions[pk] = FirstSubmission(ratings, is_early, submission.active_ms, at)
    return submissions


def shared_path_ratings(assignments: Sequence[Assignment]) -> dict[int, dict[int, int]]:
    """For assignments with a derived solution: their ratings of the task's own steps, up to where the paths part.

    The steps of a derived solution are copies; the task's own are recognized by their texts.
    """
    solutions = {
        pk
        for assignment in assignments
        for pk in (assignment.task.solution_id, assignment.derived_solution_id)
        if pk is not None
    }
    paths: dict[int, dict[int, str]] = {pk: {} for pk in solutions}
    steps = Step.objects.filter(solution__in=solutions, chosen=True)
    for pk, position, text in steps.values_list("solution_id", "position", "text"):
        paths[pk][position] = text
    shared: dict[int, dict[int, str]] = {}
    for assignment in assignments:
        own, derived = paths[assignment.task.solution_id or 0], paths[assignment.derived_solution_id or 0]
        parting = next((position for position in sorted(own) if own[position] != derived.get(position)), len(own))
        shared[assignment.pk] = {position: text for position, text in own.items() if position <= parting}
    ratings: dict[int, dict[int, int]] = {assignment.pk: {} for assignment in assignments}
    labels = StepLabel.objects.filter(assignment__in=assignments, rating__isnull=False).order_by("step__position")
    for pk, position, text, rating in labels.values_list("assignment_id", "step__position", "step__text", "rating"):
        if text == shared[pk].get(position):
            ratings[pk][position] = rating or 0
    return ratings
