"""Reports of labelers: bad problems, tasks given up and steps they were unsure of. The one query behind all pages and counts.

A report is about an assignment as it was submitted last. It is open until a reviewer dismisses it with a reason, or the
problem is edited or retired.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError, NotAllowed
from apps.corpus.models import Problem
from apps.labeling.models import Assignment, ReportDismissal, StepLabel
from apps.projects.models import Project
from apps.quality.review.impartiality import allows_self_review

LONGEST_REASON = 2000
ReportKind = Literal["bad_problem", "give_up", "unsure"]
REPORT_KINDS: tuple[ReportKind, ...] = ("bad_problem", "give_up", "unsure")
ReportState = Literal["open", "dismissed", "retired", "edited"]
REPORT_STATES: tuple[ReportState | Literal["all"], ...] = ("open", "dismissed", "retired", "edited", "all")

# Each report has one state: the first of these that applies, else it is open.
_DISMISSED = Q(dismissal__versions=F("versions"))
_RETIRED = Q(task__solution__problem__retired_at__isnull=False) | Q(task__comparison__problem__retired_at__isnull=False)
_EDITED = Q(task__solution__problem__edited_at__gt=F("submitted_at")) | Q(
    task__comparison__problem__edited_at__gt=F("submitted_at")
)
RELATED = ("round", "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by")


def reports_in(
    projects: Collection[Project], state: ReportState | Literal["all"] = "open", kind: ReportKind = "bad_problem"
) -> QuerySet[Assignment]:
    """The assignments of these projects that report something of this kind, in this state."""
    return reports_among(Assignment.objects.submitted().filter(round__project__in=projects), state, kind)


def reports_among(
    submitted: QuerySet[Assignment],
    state: ReportState | Literal["all"] = "open",
    kind: ReportKind = "bad_problem",
) -> QuerySet[Assignment]:
    """As `reports_in`, among these submitted assignments."""
    if kind == "unsure":
        reports = submitted.filter(pk__in=StepLabel.objects.filter(unsure=True).values("assignment"))
    else:
        reports = submitted.filter(finish_reason=kind)
    if state == "all":
        return reports
    if state == "dismissed":
        return reports.filter(_DISMISSED)
    reports = reports.filter(Q(dismissal=None) | ~_DISMISSED)
    if state == "retired":
        return reports.filter(_RETIRED)
    reports = reports.exclude(_RETIRED)
    # An edit is later or not; a problem that was never edited compares as unknown.
    return reports.filter(_EDITED) if state == "edited" else reports.exclude(Exists(_edited_since()))


def _edited_since() -> QuerySet[Assignment]:
    return Assignment.objects.filter(_EDITED, pk=OuterRef("pk"))


def reports_of(problem: Problem) -> QuerySet[Assignment]:
    """All reports that this problem is bad, on its solutions and on comparisons of them, the newest first."""
    of_problem = Q(task__solution__problem=problem) | Q(task__comparison__problem=problem)
    return reports_in([problem.project], "all").filter(of_problem).select_related(*RELATED).order_by("-pk")


def count_open_reports(projects: Collection[Project]) -> dict[int, int]:
    """By project id, for projects with problems that are reported as bad."""
    rows = reports_in(projects).order_by().values_list("round__project").annotate(count=Count("id"))
    return dict(rows)


@dataclass(frozen=True, slots=True)
class Report:
    """A report with its problem, its state, and the dismissal of its current version."""

    problem: Problem
    dismissal: ReportDismissal | None
    state: ReportState

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def report_of(assignment: Assignment, kind: ReportKind = "bad_problem") -> Report | None:
    """The assignment's report; None if it does not report this. Whether steps are unsure is for the caller to know."""
    if kind not in ("unsure", assignment.finish_reason):
        return None
    dismissal: ReportDismissal | None = getattr(assignment, "dismissal", None)
    is_current = dismissal is not None and dismissal.versions == assignment.versions
    problem, submitted_at = problem_of(assignment), assignment.submitted_at
    state: ReportState = "open"
    if is_current:
        state = "dismissed"
    elif problem.retired_at is not None:
        state = "retired"
    elif problem.edited_at is not None and submitted_at is not None and problem.edited_at > submitted_at:
        state = "edited"
    return Report(problem, dismissal if is_current else None, state)


def problem_of(report: Assignment) -> Problem:
    return report.task.problem


@transaction.atomic
def dismiss_report(*, assignment: Assignment, reason: str, actor: User) -> ReportDismissal:
    """Dismiss a report: there is nothing to do about it. A second dismissal keeps the first one's reason.

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
    """The assignment, locked. Raises Conflict if it reports nothing."""
    locked = Assignment.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=assignment.pk)
    is_early = locked.finish_reason in ("bad_problem", "give_up")
    if not locked.is_submitted or not (is_early or locked.step_labels.filter(unsure=True).exists()):
        raise Conflict("This assignment reports nothing.", code="no_report")
    return locked


def _record(assignment: Assignment, actor: User, verb: str, *, before: str | None, after: str | None) -> None:
    project = assignment.round.project.slug
    record_event(actor=actor, verb=verb, target=str(assignment.pk), project=project, before=before, after=after)
