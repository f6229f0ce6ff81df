"""Reported problems: the one list of them, which every count and every page takes, and their dismissal."""

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
State = Literal["open", "dismissed", "retired", "all"]
STATES: tuple[State, ...] = ("open", "dismissed", "retired", "all")

_DISMISSED = Q(dismissal__versions=F("versions"))
_RETIRED = Q(task__solution__problem__retired_at__isnull=False) | Q(task__comparison__problem__retired_at__isnull=False)


def reports_in(projects: Collection[Project], state: State = "open") -> QuerySet[Assignment]:
    """The assignments that call a problem bad. Open ones are not dismissed, and their problem is not retired."""
    found = Assignment.objects.submitted().filter(
        round__project__in=projects, finish_reason=Assignment.FinishReason.BAD_PROBLEM
    )
    if state == "open":
        return found.exclude(_RETIRED).filter(Q(dismissal=None) | ~_DISMISSED)
    if state == "dismissed":
        return found.filter(_DISMISSED)
    return found.filter(_RETIRED) if state == "retired" else found


def reports_of(problem: Problem) -> QuerySet[Assignment]:
    """All that report this problem, answered or not, the newest first: of its solutions, and of comparisons of them."""
    about = Q(task__solution__problem=problem) | Q(task__comparison__problem=problem)
    related = ("round", "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by")
    return reports_in([problem.project], "all").filter(about).select_related(*related).order_by("-pk")


def count_open_reports(projects: Collection[Project]) -> dict[int, int]:
    """By project, for those that have any."""
    rows = reports_in(projects).order_by().values_list("round__project").annotate(count=Count("id"))
    return dict(rows)


@dataclass(frozen=True, slots=True)
class Report:
    """A reported problem, and what was done about it: the dismissal that holds for what the report says now."""

    problem: Problem
    dismissal: ReportDismissal | None

    @property
    def is_open(self) -> bool:
        return self.dismissal is None and self.problem.retired_at is None


def report_of(assignment: Assignment) -> Report | None:
    """None where the turn reports no problem."""
    if assignment.finish_reason != Assignment.FinishReason.BAD_PROBLEM:
        return None
    found: ReportDismissal | None = getattr(assignment, "dismissal", None)
    return Report(
        problem_of(assignment), found if found is not None and found.versions == assignment.versions else None
    )


def problem_of(report: Assignment) -> Problem:
    about = report.task.solution or report.task.comparison
    assert about is not None
    return about.problem


@transaction.atomic
def dismiss_report(*, assignment: Assignment, reason: str, actor: User) -> ReportDismissal:
    """Say that the problem is fine, and why. Dismissing it twice keeps the first word.

    Raises DomainError for a reason that is empty or too long, Conflict when the assignment reports nothing, NotAllowed
    for a report of one's own where the project's rules want others to judge it.
    """
    words = reason.strip()
    if not 1 <= len(words) <= LONGEST_REASON:
        raise DomainError(
            f"Say why the report is dismissed, in 1 to {LONGEST_REASON} characters.",
            fields={"reason": f"1 to {LONGEST_REASON} characters"},
        )
    held = _locked(assignment)
    if held.labeler_id == actor.pk and not allows_self_review(held.round.project_id):
        raise NotAllowed("This report is your own: another reviewer judges it.", code="own_work")
    known = ReportDismissal.objects.filter(assignment=held).first()
    if known is not None and known.versions == held.versions:
        return known
    dismissal, _ = ReportDismissal.objects.update_or_create(
        assignment=held,
        defaults={"versions": held.versions, "reason": words, "dismissed_by": actor, "dismissed_at": timezone.now()},
    )
    _record(held, actor, "report.dismissed", before=held.reason, after=words)
    return dismissal


@transaction.atomic
def reopen_report(*, assignment: Assignment, actor: User) -> None:
    """Take a dismissal back. Raises Conflict when the report is not dismissed."""
    held = _locked(assignment)
    dismissal = ReportDismissal.objects.filter(assignment=held, versions=held.versions).first()
    if dismissal is None:
        raise Conflict("This report is not dismissed.", code="not_dismissed")
    before = dismissal.reason
    dismissal.delete()
    _record(held, actor, "report.reopened", before=before, after=None)


def _locked(assignment: Assignment) -> Assignment:
    held = Assignment.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=assignment.pk)
    if not held.is_submitted or held.finish_reason != Assignment.FinishReason.BAD_PROBLEM:
        raise Conflict("This assignment does not report its problem.", code="no_report")
    return held


def _record(held: Assignment, actor: User, verb: str, *, before: str | None, after: str | None) -> None:
    record_event(
        actor=actor, verb=verb, target=str(held.pk), project=held.round.project.slug, before=before, after=after
    )
