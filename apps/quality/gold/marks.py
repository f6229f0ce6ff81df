"""Marks of assignments at solutions with gold: how each labeler did there, by their first submission."""

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
from apps.labeling.assignments.first_submissions import before_departure, first_submissions_of
from apps.labeling.models import Assignment, NotCounted, Protocol
from apps.labeling.models.counted import reasons_q
from apps.projects.models import Project
from apps.quality.gold.labels import gold_of
from apps.quality.gold.scoring import Gold, Mark, Score, mark, score
from apps.quality.models import GoldMark


def mark_assignments(project: Project, gold: Mapping[int, Gold]) -> set[int]:
    """Mark every assignment at these solutions again; returns the labelers whose marks those are."""
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
            "grown_id",
        )
        .select_related("task", "round")
    )
    marks = marks_of(assignments, gold)
    GoldMark.objects.bulk_create(
        [_row(project, one, marks[one.pk]) for one in assignments],
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["assignment"],
        update_fields=["at", "exact", "within_one", "steps_right", "steps"],
    )
    return {one.labeler_id for one in assignments}


def marks_of(assignments: Sequence[Assignment], gold: Mapping[int, Gold] | None = None) -> dict[int, Mark]:
    """First submissions against gold, by assignment id. The assignments come with their tasks and rounds."""
    solutions = {one.task.solution_id for one in assignments if one.task.solution_id is not None}
    gold = gold_of(solutions) if gold is None else gold
    lengths = dict(Solution.objects.filter(pk__in=solutions).values_list("pk", "step_count"))
    said = first_submissions_of(assignments)
    departed = before_departure([one for one in assignments if one.grown_id is not None and not one.versions])
    marks: dict[int, Mark] = {}
    for one in assignments:
        solution_id = one.task.solution_id
        if solution_id is None or solution_id not in gold:
            continue
        first, every_step = said[one.pk], one.round.protocol == Protocol.EVERY_STEP
        ratings, length = departed.get(one.pk, first.ratings), lengths[solution_id]
        found = mark(
            gold[solution_id],
            ratings,
            length=length,
            at=first.at or timezone.now(),
            every_step=every_step,
            left_early=first.left_early and one.pk not in departed,
        )
        if one.pk in departed and first_error(ratings, length) == UNKNOWN:
            # Who went on by another way without calling a step bad was not asked about the rest.
            found = replace(found, exact=None, within_one=None)
        marks[one.pk] = found
    return marks


def _row(project: Project, assignment: Assignment, found: Mark) -> GoldMark:
    return GoldMark(
        assignment=assignment,
        project=project,
        round_id=assignment.round_id,
        labeler_id=assignment.labeler_id,
        at=found.at,
        exact=found.exact,
        within_one=found.within_one,
        steps_right=found.steps.hits,
        steps=found.steps.of,
    )


def as_mark(row: GoldMark) -> Mark:
    return Mark(row.at, row.exact, row.within_one, Proportion(row.steps_right, row.steps))


def counted_marks(project: Project) -> QuerySet[GoldMark]:
    """Marks of real work: those of screenings decide a screening and nothing else, those of retired problems nothing.

    A mark is that of the first submission, so it also counts while a reviewer has returned the assignment.
    """
    reasons = reasons_q("assignment__")
    return GoldMark.objects.filter(~reasons[NotCounted.SCREENING], ~reasons[NotCounted.RETIRED], project=project)


def scores_of(project: Project, since: timedelta | None = None) -> dict[int, Score]:
    """How each labeler does on gold, over all or over the latest time."""
    rows = counted_marks(project)
    if since is not None:
        rows = rows.filter(at__gte=timezone.now() - since)
    marks: defaultdict[int, list[Mark]] = defaultdict(list)
    for row in rows:
        marks[row.labeler_id].append(as_mark(row))
    return {labeler: score(found) for labeler, found in marks.items()}
