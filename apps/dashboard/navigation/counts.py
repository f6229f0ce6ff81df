"""How much waits for a member of a project, for the entries of every page: one statement, whatever the role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, IntegerField, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import can
from apps.quality.models import DisputeCount, QualityRules
from apps.quality.review.reports import reports_in
from apps.quality.review.unreviewed import unreviewed

COUNTED_TO = 100  # Submissions and reports beyond are not counted: the page of each has the way through all of them.


def waiting_for(membership: Membership) -> dict[str, int]:
    """By key of the page: open rounds and the member's own tasks, and for reviewers what waits for a decision."""
    project, user = membership.project, membership.user
    own = Assignment.objects.filter(labeler=user, round__project=project, round__status=Round.Status.OPEN)
    counts: dict[str, Any] = {
        "open": _count(Round.objects.open().filter(project=project, origin="")),
        # Two counts, as each state has an index of its own.
        "leased": _count(own.filter(state=Assignment.State.LEASED)),
        "returned": _count(own.filter(state=Assignment.State.RETURNED)),
    }
    if can(membership, "review"):
        disputes = DisputeCount.objects.filter(project=project).order_by().values("project")
        counts |= {
            "disputes": _or_zero(disputes.annotate(number=Sum("count")).values("number")),
            "submissions": _some(_submissions(membership)),
            "reports": _some(reports_in([project])),
        }
    row: Mapping[str, Any] = Project.objects.filter(pk=project.pk).order_by().values(**counts).first() or {}
    waiting = {"rounds": row.get("open", 0), "work": row.get("leased", 0) + row.get("returned", 0)}
    if "disputes" in row:
        waiting |= {
            "review": row["disputes"],
            "assignments": len(row["submissions"]),
            "flags": len(row["reports"]),
        }
    return waiting


def _submissions(membership: Membership) -> QuerySet[Assignment]:
    """Unreviewed ones, without the reviewer's own unless the project allows self-review."""
    project, user = membership.project, membership.user
    allowing = QualityRules.objects.filter(project=project, allows_self_review=True)
    submitted = Assignment.objects.submitted().filter(
        ~Q(labeler=user) | Exists(allowing), round__project=project, round__origin="", task__solution__isnull=False
    )
    return unreviewed(submitted)


def _count(rows: QuerySet[Any]) -> Coalesce:
    one = rows.order_by().annotate(one=Value(1)).values("one")
    return _or_zero(one.annotate(number=Count("pk")).values("number"))


def _or_zero(rows: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(rows), 0, output_field=IntegerField())


def _some(rows: QuerySet[Any]) -> ArraySubquery:
    """Keys of at most COUNTED_TO rows."""
    return ArraySubquery(rows.order_by().values("pk")[:COUNTED_TO])
