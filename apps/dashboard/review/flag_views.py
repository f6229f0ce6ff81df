"""Flags: steps that labelers were unsure of, and tasks that they gave up, reported or skipped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.models import Problem
from apps.dashboard.access import Place, place_for
from apps.dashboard.pagination import Page, page_of
from apps.dashboard.review.flag_forms import DismissForm, FlagsForm
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.models import Assignment, ReportDismissal, StepLabel
from apps.quality.review.reports import ReportState, dismiss_report, reopen_report, report_of, reports_in


@dataclass(frozen=True, slots=True)
class Flag:
    """An assignment that needs a reviewer's look. `step` is the number of the step, if the flag is about one."""

    assignment: Assignment
    name: str
    text: str
    at: datetime | None
    step: int | None = None

    @property
    def problem(self) -> Problem | None:
        item = self.assignment.task.solution or self.assignment.task.comparison
        return item.problem if item is not None else None

    @property
    def dismissal(self) -> ReportDismissal | None:
        report = report_of(self.assignment)
        return report.dismissal if report is not None else None


@login_required
@require_GET
def flags(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    form = FlagsForm(request.GET or None, project=place.project)
    filters = form.cleaned_data if form.is_bound and form.is_valid() else {}
    kind, round_ = filters.get("kind") or "unsure", filters.get("round")
    state: ReportState = filters.get("state") or "open"
    if kind == "unsure":
        labels = StepLabel.objects.filter(
            unsure=True, assignment__round__project=place.project, assignment__state__in=Assignment.SUBMITTED
        )
        if round_ is not None:
            labels = labels.filter(assignment__round=round_)
        labels = labels.select_related("step", "assignment__round", "assignment__task")
        page: Page[Any] = page_of(labels, request.GET, newest_first=True)
    else:
        page = _assignments(place, kind, state, round_, request)
    context = place.context(
        "flags",
        form=form,
        kind=kind,
        state=state,
        page=page,
        flags=_flags(place, kind, page.rows),
        return_url=request.get_full_path(),
    )
    return render(request, "review/flags.html", context)


def _assignments(place: Place, kind: str, state: ReportState, round_: Any, request: AuthenticatedRequest) -> Page[Any]:
    """The page of assignments that were reported, skipped or given up."""
    if kind == "bad_problem":
        assignments = reports_in([place.project], state)
    elif kind == "skip":
        assignments = Assignment.objects.filter(round__project=place.project, state=Assignment.State.SKIPPED)
    else:
        given_up = Assignment.objects.submitted().filter(finish_reason=Assignment.FinishReason.GIVE_UP)
        assignments = given_up.filter(round__project=place.project)
    if round_ is not None:
        assignments = assignments.filter(round=round_)
    related = ("round", "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by")
    return page_of(assignments.select_related(*related), request.GET, newest_first=True)


def _flags(place: Place, kind: str, rows: list[Any]) -> list[Flag]:
    """Rows are labels for the kind `unsure`, else assignments."""
    assignments = [row.assignment if kind == "unsure" else row for row in rows]
    names = labeler_names(place, {assignment.labeler_id for assignment in assignments})
    flags = []
    for row, assignment in zip(rows, assignments, strict=True):
        name, at = names[assignment.labeler_id], assignment.submitted_at
        if kind == "unsure":
            flags.append(Flag(assignment, name, row.step.text, at, row.step.position + 1))
        else:
            flags.append(Flag(assignment, name, assignment.reason, assignment.leased_until if kind == "skip" else at))
    return flags


@login_required
@require_POST
def dismiss(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    report = _report(place, pk)
    form = DismissForm(request.POST)
    dismissed = form.run(lambda data: dismiss_report(assignment=report, reason=data["reason"], actor=request.user))
    if dismissed is None:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        messages.success(request, "Report dismissed.")
    return redirect(_return_url(request, slug))


@login_required
@require_POST
def reopen(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    reopen_report(assignment=_report(place, pk), actor=request.user)
    messages.success(request, "Report reopened.")
    return redirect(_return_url(request, slug))


def _report(place: Place, pk: int) -> Assignment:
    return get_object_or_404(Assignment, round__project=place.project, pk=pk)


def _return_url(request: AuthenticatedRequest, slug: str) -> str:
    """The page that contained the form."""
    url = request.POST.get("return_url", "")
    is_own = url_has_allowed_host_and_scheme(url, allowed_hosts=None) and url.startswith("/")
    return url if is_own else f"{reverse('flags', args=[slug])}?kind=bad_problem"
