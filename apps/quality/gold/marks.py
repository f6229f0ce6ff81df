"""Marks of assignments on solutions with gold: the score of each labeler's first submission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.core.statistics import Proportion
from apps.corpus.labels import UNKNOWN, first_error
from apps.corpus.models import Solution
from apps.labeling.assignments.first_submissions import first_submissions_of, shared_path_ratings
from apps.labeling.models import Assignment, NotCounted, Protocol
from apps.labeling.models.counted import reasons_q, work_q
from apps.projects.models import Project
from apps.quality.gold.labels import gold_of
from apps.quality.gold.scoring import Gold, Mark, Score, mark_submission, score_marks
from apps.quality.models import GoldMark


def mark_assignments(project: Project, gold: Mapping[int, Gold]) -> set[int]:
    """Mark every submitted assignment on these solutions again; returns the ids of their labelers."""
    if not gold:
        return set()
    assignments = list(
        Assignment.objects.submitted()
        .filter(task__solution__in=gold)
        .only(
            "id",
            "round_id",
            "labeler_id",
            "submitted_at",
            "finish_reason",
            "active_ms",
            "versions",
            "task__solution_id",
            "round__protocol",
            "derived_solution_id",
        )
        .select_related("task", "round")
    )
    marks = marks_of(assignments, gold)
    GoldMark.objects.bulk_create(
        [_row(project, assignment, marks[assignment.pk]) for assignment in assignments],
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["assignment"],
        update_fields=["at", "exact", "within_one", "steps_right", "steps"],
    )
    return {assignment.labeler_id for assignment in assignments}


def marks_of(assignments: Sequence[Assignment], gold: Mapping[int, Gold] | None = None) -> dict[int, Mark]:
    """The marks of first submissions, by assignment id. The assignments come with their tasks and rounds."""
    solutions = {assignment.task.solution_id for assignment in assignments if assignment.task.solution_id is not None}
    gold = gold_of(solutions) if gold is None else gold
    lengths = dict(Solution.objects.filter(pk__in=solutions).values_list("pk", "step_count"))
    submissions = first_submissions_of(assignments)
    departed = shared_path_ratings(
        [
            assignment
            for assignment in assignments
            if assignment.derived_solution_id is not None and not assignment.versions
        ]
    )
    marks: dict[int, Mark] = {}
    for assignment in assignments:
        solution_id = assignment.task.solution_id
        if solution_id is None or solution_id not in gold:
            continue
        submission, has_departed = submissions[assignment.pk], assignment.pk in departed
        ratings, length = departed.get(assignment.pk, submission.ratings), lengths[solution_id]
        mark = mark_submission(
            gold[solution_id],
            ratings,
            length=length,
            at=submission.at or timezone.now(),
            every_step=assignment.round.protocol == Protocol.EVERY_STEP,
            left_early=submission.left_early and not has_departed,
        )
        if has_departed and first_error(ratings, length) == UNKNOWN:
            # A labeler who took another path without calling a step bad was not asked about the rest.
            mark = replace(mark, exact=None, within_one=None)
        marks[assignment.pk] = mark
    return marks


def _row(project: Project, assignment: Assignment, mark: Mark) -> GoldMark:
    return GoldMark(
        assignment=assignment,
        project=project,
        round_id=assignment.round_id,
        labeler_id=assignment.labeler_id,
        at=mark.at,
        exact=mark.exact,
        within_one=mark.within_one,
        steps_right=mark.steps.hits,
        steps=mark.steps.of,
    )


def counted_marks(project: Project) -> QuerySet[GoldMark]:
    """Marks of real work, without those of screenings, of training and of retired problems.

    A mark is that of the first submission, so it also counts while a reviewer has returned the assignment.
    """
    reasons = reasons_q("assignment__")
    return GoldMark.objects.filter(work_q("assignment__"), ~reasons[NotCounted.RETIRED], project=project)


def scores_of(project: Project, since: timedelta | None = None) -> dict[int, Score]:
    """The score of each labeler on gold, by user id, of all marks or of those of the last `since`."""
    rows = counted_marks(project)
    if since is not None:
        rows = rows.filter(at__gte=timezone.now() - since)
    marks: defaultdict[int, list[Mark]] = defaultdict(list)
    for row in rows:
        steps = Proportion(row.steps_right, row.steps)
        marks[row.labeler_id].append(Mark(row.at, row.exact, row.within_one, steps))
    return {labeler: score_marks(own_marks) for labeler, own_marks in marks.items()}
