"""Submitted assignments of work without a review since their submission, and their risks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Sum, When

from apps.accounts.models import User
from apps.corpus.labels import UNKNOWN, first_error
from apps.labeling.assignments.first_submissions import first_submissions_of, path_ratings_of
from apps.labeling.models import Assignment, PastSubmission, Round, RoundProgress
from apps.projects.models import Project
from apps.quality.models import Consensus, Review
from apps.quality.review.impartiality import allows_self_review
from apps.quality.review.risk import Risk, RiskFactors, risk_of, usual_pace

# A sample is of current work: of each labeler in each round the newest assignments.
NEWEST_OF_EACH = 10
# Of many labelers fewer each: what is sampled from them is as much, and each is read with its labels.
LEAST_OF_EACH = 5
ENOUGH_IN_ALL = 300
MAX_IN_SAMPLE = 1000


def newest_unreviewed(
    project: Project,
    *,
    round_number: int | None = None,
    labeler: int | None = None,
    reviewer: User | None = None,
) -> list[int]:
    """Ids of the newest unreviewed assignments of each labeler in each round, without the reviewer's own.

    An index leads from each labeler's progress in a round to their newest assignments, however many there are.
    """
    filters = {"round__number": round_number, "labeler": labeler}
    progress_rows = RoundProgress.objects.filter(
        round__project=project, round__origin="", round__kind=Round.Kind.WORK
    ).filter(**{name: value for name, value in filters.items() if value is not None})
    if reviewer is not None and not allows_self_review(project.pk):
        progress_rows = progress_rows.exclude(labeler=reviewer)
    of_labeler = (
        Assignment.objects.submitted()
        .filter(labeler=OuterRef("labeler"), round=OuterRef("round"))
        .order_by("-submitted_at")
    )
    some = progress_rows.order_by().values_list("pk", flat=True)[: ENOUGH_IN_ALL // LEAST_OF_EACH]
    of_each = min(NEWEST_OF_EACH, ENOUGH_IN_ALL // max(1, len(some)))
    newest = ArraySubquery(unreviewed(of_labeler).values("pk")[:of_each])
    ids_by_progress = progress_rows.order_by().values_list(newest, flat=True)
    return sorted(chain.from_iterable(ids_by_progress), reverse=True)[:MAX_IN_SAMPLE]


def unreviewed(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Of work, without a review since the submission. A labeler's correction after a review needs another one.

    Screenings and training have known answers, and wait for nobody.
    """
    corrections = PastSubmission.objects.filter(assignment=OuterRef("assignment"), replaced_at__gt=OuterRef("at"))
    reviews = Review.objects.filter(~Exists(corrections), assignment=OuterRef("pk"), at__gte=OuterRef("submitted_at"))
    return assignments.filter(~Exists(reviews), round__kind=Round.Kind.WORK)


def risks_of(assignment_ids: Sequence[int]) -> dict[int, Risk]:
    """By assignment id, in five queries at most, however many."""
    assignments: list[Any] = list(
        Assignment.objects.filter(pk__in=assignment_ids)
        .select_related("task")
        .annotate(
            step_count=F("task__solution__step_count"),
            exact=F("gold_mark__exact"),
            is_fast=Q(fast_mark__isnull=False),
            # Of the settled consensus; null without one.
            people_first_error=Case(
                When(
                    task__solution__consensus__state=Consensus.State.SETTLED,
                    then="task__solution__consensus__first_error",
                )
            ),
        )
        .only(
            "active_ms",
            "finish_reason",
            "labeler_id",
            "round_id",
            "submitted_at",
            "versions",
            "task__solution_id",
        )
    )
    ratings = path_ratings_of(assignment_ids)
    submissions = first_submissions_of(assignments, ratings)
    submitted = _submitted_counts(assignments)
    # Milliseconds for each rated step of the first submission.
    paces = {
        pk: submission.active_ms / len(submission.ratings)
        if submission.active_ms is not None and submission.ratings
        else None
        for pk, submission in submissions.items()
    }
    paces_of_round: defaultdict[int, list[float]] = defaultdict(list)
    for assignment in assignments:
        if (pace := paces[assignment.pk]) is not None:
            paces_of_round[assignment.round_id].append(pace)
    usual = {round_id: usual_pace(of_round) for round_id, of_round in paces_of_round.items()}
    return {
        assignment.pk: risk_of(
            RiskFactors(
                assignment=assignment.pk,
                labeler=assignment.labeler_id,
                gold=assignment.exact,
                agrees=_agrees(assignment, ratings.get(assignment.pk, {})),
                pace=paces[assignment.pk],
                usual_pace=usual.get(assignment.round_id),
                is_unread=assignment.is_fast,
                assignments_before=submitted.get(assignment.labeler_id, 0),
            )
        )
        for assignment in assignments
    }


def _submitted_counts(assignments: Sequence[Assignment]) -> dict[int, int]:
    """How many assignments each labeler has submitted in the project, by user id."""
    rounds = {assignment.round_id for assignment in assignments}
    progress_rows = RoundProgress.objects.filter(
        labeler__in={assignment.labeler_id for assignment in assignments},
        round__project__in=Round.objects.filter(pk__in=rounds).values("project"),
    )
    return dict(progress_rows.order_by().values_list("labeler").annotate(done=Sum("submitted")))


def _agrees(assignment: Any, ratings: Mapping[int, int]) -> bool | None:
    """Whether it names the first error of the settled consensus; None if either is unknown."""
    if assignment.people_first_error is None:
        return None
    named = first_error(ratings, assignment.step_count)
    return None if named == UNKNOWN else named == assignment.people_first_error
