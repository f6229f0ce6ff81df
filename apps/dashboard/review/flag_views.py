"""The page of reports: bad problems, tasks given up, unsure steps, each with its state; and tasks that are skipped now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.models import Problem
from apps.dashboard.access import Place, place_for
from apps.dashboard.pagination import page_of
from apps.dashboard.review.flag_forms import KINDS, DismissForm, FlagsForm
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.models import Assignment, ReportDismissal, StepLabel
from apps.quality.review.reports import (
    RELATED,
    REPORT_KINDS,
    Report,
    dismiss_report,
    reopen_report,
    report_of,
    reports_in,
)

COUNTED_TO = 1000


@dataclass(frozen=True, slots=True)
class Flag:
    """An assignment that needs a reviewer's look, with its unsure steps. A skipped task is no report."""

    assignment: Assignment
    name: str
    at: datetime | None
    report: Report | None = None
    labels: list[StepLabel] = field(default_factory=list)

    @property
    def problem(self) -> Problem:
        return self.assignment.task.problem

    @property
    def dismissal(self) -> ReportDismissal | None:
        return self.report.dismissal if self.report is not None else None


@dataclass(frozen=True, slots=True)
class KindTab:
    """A kind with the number of its open reports, up to `COUNTED_TO`; None for skipped tasks, which are no reports."""

    name: str
    title: str
    open_count: int | None

    @property
    def is_cut(self) -> bool:
        return self.open_count is not None and self.open_count > COUNTED_TO


@login_required
@require_GET
def flags(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    form = FlagsForm(request.GET or None, project=place.project)
    # A filter that is not valid is reported, and the others apply all the same.
    form.is_valid()
    filters = form.cleaned_data if form.is_bound else {}
    kind: Any = filters.get("kind") or "bad_problem"
    state: Any = filters.get("state") or "open"
    rows: QuerySet[Assignment]
    if kind == "skip":
        rows = Assignment.objects.filter(round__project=place.project, state=Assignment.State.SKIPPED)
    else:
        rows = reports_in([place.project], state, kind)
    if filters.get("round") is not None:
        rows = rows.filter(round=filters["round"])
    page = page_of(rows.select_related(*RELATED), request.GET, newest_first=True)
    context = place.context(
        "flags",
        form=form,
        kind=kind,
        title=dict(KINDS)[kind],
        kinds=_kind_tabs(place),
        state=state,
        page=page,
        flags=_flags(place, kind, page.rows),
        return_url=request.get_full_path(),
    )
    return render(request, "review/flags.html", context)


def _kind_tabs(place: Place) -> list[KindTab]:
    titles: dict[Any, str] = dict(KINDS)
    reports = [
        KindTab(kind, titles.pop(kind), _count_open(reports_in([place.project], "open", kind))) for kind in REPORT_KINDS
    ]
    return [*reports, *(KindTab(name, title, None) for name, title in titles.items())]


def _count_open(reports: QuerySet[Assignment]) -> int:
    return reports.order_by()[: COUNTED_TO + 1].count()


def _flags(place: Place, kind: Any, assignments: Sequence[Assignment]) -> list[Flag]:
    names = labeler_names(place, {assignment.labeler_id for assignment in assignments})
    if kind == "skip":
        return [Flag(skipped, names[skipped.labeler_id], skipped.leased_until) for skipped in assignments]
    unsure: defaultdict[int, list[StepLabel]] = defaultdict(list)
    if kind == "unsure":
        labels = StepLabel.objects.filter(assignment__in=assignments, unsure=True).select_related("step")
        for label in labels.order_by("step__position", "step__candidate"):
            unsure[label.assignment_id].append(label)
    return [
        Flag(each, names[each.labeler_id], each.submitted_at, report_of(each, kind), unsure[each.pk])
        for each in assignments
    ]


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
    return url if is_own else reverse("flags", args=[slug])
