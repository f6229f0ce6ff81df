"""Reports of bad problems: the one query that all pages and counts use, and dismissing reports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError, NotAllowed
from apps.corpus.models import Problem
from apps.labeling.models import Assignment, ReportDismissal
from apps.projects.models import Project
from apps.quality.review.impartiality import allows_self_review

LONGEST_REASON = 2000
ReportState = Literal["open", "dismissed", "retired", "all"]
REPORT_STATES: tuple[ReportState, ...] = ("open", "dismissed", "retired", "all")

_DISMISSED = Q(dismissal__versions=F("versions"))
_RETIRED = Q(task__solution__problem__retired_at__isnull=False) | Q(task__comparison__problem__retired_at__isnull=False)


def reports_in(projects: Collection[Project], state: ReportState = "open") -> QuerySet[Assignment]:
    """The assignments that report their problem as bad. Open ones are not dismissed, and their problem is not retired."""
    reports = Assignment.objects.submitted().filter(
        round__project__in=projects, finish_reason=Assignment.FinishReason.BAD_PROBLEM
    )
    if state == "open":
        return reports.exclude(_RETIRED).filter(Q(dismissal=None) | ~_DISMISSED)
    if state == "dismissed":
        return reports.filter(_DISMISSED)
    return reports.filter(_RETIRED) if state == "retired" else reports


def reports_of(problem: Problem) -> QuerySet[Assignment]:
    """All reports of this problem, on its solutions and on comparisons of them, the newest first."""
    of_problem = Q(task__solution__problem=problem) | Q(task__comparison__problem=problem)
    related = ("round", "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by")
    return reports_in([problem.project], "all").filter(of_problem).select_related(*related).order_by("-pk")


def count_open_reports(projects: Collection[Project]) -> dict[int, int]:
    """By project id, for projects with open reports."""
    rows = reports_in(projects).order_by().values_list("round__project").annotate(count=Count("id"))
    return dict(rows)


@dataclass(frozen=True, slots=True)
class Report:
    """A reported problem, and the dismissal of the report in its current version."""

    problem: Problem
    dismissal: ReportDismissal | None

    @property
    def is_open(self) -> bool:
        return self.dismissal is None and self.problem.retired_at is None


def report_of(assignment: Assignment) -> Report | None:
    """The assignment's report; None if it does not report its problem."""
    if assignment.finish_reason != Assignment.FinishReason.BAD_PROBLEM:
        return None
    dismissal: ReportDismissal | None = getattr(assignment, "dismissal", None)
    is_current = dismissal is not None and dismissal.versions == assignment.versions
    return Report(problem_of(assignment), dismissal if is_current else None)


def problem_of(report: Assignment) -> Problem:
    subject = report.task.solution or report.task.comparison
    assert subject is not None
    return subject.problem


@transaction.atomic
def dismiss_report(*, assignment: Assignment, reason: str, actor: User) -> ReportDismissal:
    """Dismiss a report: the problem is fine. A second dismissal keeps the first one's reason.

    Raises DomainError if the reason is empty or too long, Conflict if the assignment reports nothing, NotAllowed for
    one's own report, unless the project allows self-review.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise DomainError(
            f"Give a reason for the dismissal, in 1 to {LONGEST_REASON} characters.",
            fields={"reason": f"must have 1 to {LONGEST_REASON} characters"},
        )
    locked = _lock_report(assignment)
    if locked.labeler_id == actor.pk and not allows_self_review(locked.round.project_id):
        raise NotAllowed("This report is your own: another reviewer has to review it.", code="self_review")
    existing = ReportDismissal.objects.filter(assignment=locked).first()
    if existing is not None and existing.versions == locked.versions:
        return existing
    dismissal, _ = ReportDismissal.objects.update_or_create(
        assignment=locked,
        defaults={
            "versions": locked.versions,
            "reason": reason,
            "dismissed_by": actor,
            "dismissed_at": timezone.now(),
        },
    )
    _record(locked, actor, "report.dismissed", before=locked.reason, after=reason)
    return dismissal


@transaction.atomic
def reopen_report(*, assignment: Assignment, actor: User) -> None:
    """Open a dismissed report again. Raises Conflict if it is not dismissed."""
    locked = _lock_report(assignment)
    dismissal = ReportDismissal.objects.filter(assignment=locked, versions=locked.versions).first()
    if dismissal is None:
        raise Conflict("This report is not dismissed.", code="not_dismissed")
    reason = dismissal.reason
    dismissal.delete()
    _record(locked, actor, "report.reopened", before=reason, after=None)


def _lock_report(assignment: Assignment) -> Assignment:
    """The assignment, locked. Raises Conflict if it does not report its problem."""
    locked = Assignment.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=assignment.pk)
    if not locked.is_submitted or locked.finish_reason != Assignment.FinishReason.BAD_PROBLEM:
        raise Conflict("This assignment does not report its problem.", code="no_report")
    return locked


def _record(assignment: Assignment, actor: User, verb: str, *, before: str | None, after: str | None) -> None:
    project = assignment.round.project.slug
    record_event(actor=actor, verb=verb, target=str(assignment.pk), project=project, before=before, after=after)
