"""How much waits for a member of a project, for the entries of every page: one statement, whatever the role."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, IntegerField, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from apps.core.db.prepared import Prepared
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import can
from apps.quality.models import DisputeCount, QualityRules
from apps.quality.review.reports import reports_among
from apps.quality.review.unreviewed import unreviewed

COUNTED_TO = 100  # Submissions and reports beyond are not counted: the page of each has the way through all of them.


def waiting_for(membership: Membership) -> dict[str, int]:
    """By key of the page: open rounds and the member's own tasks, and for reviewers what waits for a decision."""
    statement = _OF_REVIEWER if can(membership, "review") else _OF_MEMBER
    rows = statement.rows(project=membership.project_id, user=membership.user_id)
    open_rounds, leased, returned, *for_review = rows[0] if rows else (0, 0, 0)
    waiting = {"rounds": open_rounds, "work": leased + returned}
    if for_review:
        disputes, submissions, reports = for_review
        waiting |= {"review": disputes, "assignments": len(submissions), "flags": len(reports)}
    return waiting


def _own_counts(project: Value, user: Value) -> tuple[Any, ...]:
    """Open rounds, and what the member holds: leases and returned assignments apart, as each has an index of its own."""
    own = Assignment.objects.filter(labeler_id=user, round__project_id=project, round__status=Round.Status.OPEN)
    return (
        _count(Round.objects.open().filter(project_id=project, origin="")),
        _count(own.filter(state=Assignment.State.LEASED)),
        _count(own.filter(state=Assignment.State.RETURNED)),
    )


def _review_counts(project: Value, user: Value) -> tuple[Any, ...]:
    """Open disputes, unreviewed submissions and open reports."""
    disputes = DisputeCount.objects.filter(project_id=project).order_by().values("project")
    submitted = Assignment.objects.submitted().filter(round__project_id=project)
    return (
        _or_zero(disputes.annotate(number=Sum("count")).values("number")),
        _some(_unreviewed(submitted, project, user)),
        _some(reports_among(submitted)),
    )


def _unreviewed(submitted: QuerySet[Assignment], project: Value, user: Value) -> QuerySet[Assignment]:
    """Without the reviewer's own unless the project allows self-review."""
    allowing = QualityRules.objects.filter(project_id=project, allows_self_review=True)
    counted = submitted.filter(~Q(labeler_id=user) | Exists(allowing), round__origin="", task__solution__isnull=False)
    return unreviewed(counted)


def _count(rows: QuerySet[Any]) -> Coalesce:
    one = rows.order_by().annotate(one=Value(1)).values("one")
    return _or_zero(one.annotate(number=Count("pk")).values("number"))


def _or_zero(rows: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(rows), 0, output_field=IntegerField())


def _some(rows: QuerySet[Any]) -> ArraySubquery:
    """Keys of at most COUNTED_TO rows."""
    return ArraySubquery(rows.order_by().values("pk")[:COUNTED_TO])


# Each page of a project has these counts: compiled once, and planned once by each connection.
_OF_MEMBER: Prepared[Any] = Prepared(
    lambda project, user: Project.objects.filter(pk=project).order_by().values_list(*_own_counts(project, user)),
    "project",
    "user",
)
_OF_REVIEWER: Prepared[Any] = Prepared(
    lambda project, user: (
        Project.objects.filter(pk=project)
        .order_by()
        .values_list(*_own_counts(project, user), *_review_counts(project, user))
    ),
    "project",
    "user",
)
