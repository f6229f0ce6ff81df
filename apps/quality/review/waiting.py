"""The turns that reviewers look over: those that nobody has reviewed since they were handed in, with their risks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Sum

from apps.accounts.models import User
from apps.corpus.labels import UNKNOWN, first_error
from apps.labeling.assignments.first_submissions import FirstSubmission, first_submissions_of
from apps.labeling.models import Assignment, PastSubmission, Round, RoundProgress, StepLabel
from apps.projects.models import Project
from apps.quality.models import Consensus, GoldMark, Review
from apps.quality.review.impartiality import allows_self_review
from apps.quality.review.risk import Facts, Risk, risk_of, usual_pace

# Of each labeler in each round, so many of the newest are weighed: a sample is of what people do now.
EACH = 10
WEIGHED = 1000


def waiting(
    project: Project,
    *,
    round: int | None = None,  # noqa: A002
    labeler: int | None = None,
    reviewer: User | None = None,
) -> list[int]:
    """Ids of the newest turns of each labeler that wait for a review; not the reviewer's own.

    From the few seats to each one's newest turns by an index, however many turns there are.
    """
    asked = {"round__number": round, "labeler": labeler}
    progress_rows = RoundProgress.objects.filter(round__project=project, round__origin="").filter(
        **{name: value for name, value in asked.items() if value is not None}
    )
    if reviewer is not None and not allows_self_review(project.pk):
        progress_rows = progress_rows.exclude(labeler=reviewer)
    assignments = Assignment.objects.submitted().filter(task__solution__isnull=False)
    of_seat = assignments.filter(labeler=OuterRef("labeler"), round=OuterRef("round")).order_by("-submitted_at")
    newest = ArraySubquery(unreviewed(of_seat).values("pk")[:EACH])
    found = progress_rows.order_by().values_list(newest, flat=True)
    return sorted(chain.from_iterable(found), reverse=True)[:WEIGHED]


def unreviewed(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Whoever corrects what was reviewed says something new."""
    later = PastSubmission.objects.filter(assignment=OuterRef("assignment"), replaced_at__gt=OuterRef("at"))
    reviews = Review.objects.filter(~Exists(later), assignment=OuterRef("pk"), at__gte=OuterRef("submitted_at"))
    return assignments.filter(~Exists(reviews))


def risks_of(turn_ids: Sequence[int]) -> dict[int, Risk]:
    """By turn, in nine queries at most however many."""
    found = Assignment.objects.filter(pk__in=turn_ids).select_related("task__solution")
    assignments = list(
        found.only(
            "active_ms",
            "finish_reason",
            "labeler_id",
            "round_id",
            "submitted_at",
            "versions",
            "task__solution__step_count",
        )
    )
    said, first = _said(turn_ids), first_submissions_of(assignments)
    stands = dict(
        Consensus.objects.settled()
        .filter(solution__in={assignment.task.solution_id for assignment in assignments if assignment.task.solution_id})
        .values_list("pk", "first_error")
    )
    gold = dict(GoldMark.objects.filter(assignment__in=turn_ids).values_list("assignment", "exact"))
    done = dict(
        RoundProgress.objects.filter(
            labeler__in={assignment.labeler_id for assignment in assignments}, round__project__in=_projects(assignments)
        )
        .order_by()
        .values_list("labeler")
        .annotate(done=Sum("submitted"))
    )
    paces = {assignment.pk: _pace(first[assignment.pk]) for assignment in assignments}
    usual = _usual(assignments, paces)
    return {
        assignment.pk: risk_of(
            Facts(
                assignment=assignment.pk,
                labeler=assignment.labeler_id,
                gold=gold.get(assignment.pk),
                agrees=_agrees(assignment, said.get(assignment.pk, {}), stands),
                pace=paces[assignment.pk],
                usual_pace=usual.get(assignment.round_id),
                turns_before=done.get(assignment.labeler_id, 0),
            )
        )
        for assignment in assignments
    }


def _projects(assignments: Sequence[Assignment]) -> Any:
    rounds = {assignment.round_id for assignment in assignments}
    return Round.objects.filter(pk__in=rounds).values("project")


def _said(turn_ids: Sequence[int]) -> dict[int, dict[int, int | None]]:
    """Ratings on the path, by turn and position."""
    said: defaultdict[int, dict[int, int | None]] = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=turn_ids, step__chosen=True)
    for assignment, position, rating in labels.values_list("assignment", "step__position", "rating"):
        said[assignment][position] = rating
    return said


def _pace(first: FirstSubmission) -> float | None:
    """Milliseconds for each rated step, as the labeler submitted it at first."""
    return first.active_ms / len(first.ratings) if first.active_ms is not None and first.ratings else None


def _usual(assignments: Sequence[Assignment], paces: Mapping[int, float | None]) -> dict[int, float | None]:
    by_round: defaultdict[int, list[float]] = defaultdict(list)
    for assignment in assignments:
        if (pace := paces[assignment.pk]) is not None:
            by_round[assignment.round_id].append(pace)
    return {pk: usual_pace(values) for pk, values in by_round.items()}


def _agrees(assignment: Assignment, said: Mapping[int, int | None], stands: Mapping[int, int | None]) -> bool | None:
    """None where either side cannot be told."""
    solution = assignment.task.solution
    if solution is None or stands.get(solution.pk) is None:
        return None
    rated = {place: rating for place, rating in said.items() if rating is not None}
    word = first_error(rated, solution.step_count)
    return None if word == UNKNOWN else word == stands[solution.pk]
