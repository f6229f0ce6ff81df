"""What labelers left for reviewers: steps that they were not sure of, tasks that they gave up, reported or put off."""

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
from apps.quality.review.reports import State, dismiss_report, reopen_report, report_of, reports_in


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing to look at. `step` counts from 1, where it is about one step."""

    assignment: Assignment
    name: str
    text: str
    at: datetime | None
    step: int | None = None

    @property
    def problem(self) -> Problem | None:
        about = self.assignment.task.solution or self.assignment.task.comparison
        return about.problem if about is not None else None

    @property
    def dismissal(self) -> ReportDismissal | None:
        report = report_of(self.assignment)
        return report.dismissal if report is not None else None


@login_required
@require_GET
def flags(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    form = FlagsForm(request.GET or None, project=place.project)
    wanted = form.cleaned_data if form.is_bound and form.is_valid() else {}
    kind, round_ = wanted.get("kind") or "unsure", wanted.get("round")
    state: State = wanted.get("state") or "open"
    page = _unsure(place, round_, request) if kind == "unsure" else _turns(place, kind, state, round_, request)
    shown = _as_flags(place, kind, page.rows)
    context = place.context(
        "flags", form=form, kind=kind, state=state, page=page, flags=shown, way=request.get_full_path()
    )
    return render(request, "review/flags.html", context)


def _unsure(place: Place, round_: Any, request: AuthenticatedRequest) -> Page[Any]:
    found = StepLabel.objects.filter(
        unsure=True, assignment__round__project=place.project, assignment__state__in=Assignment.SUBMITTED
    )
    if round_ is not None:
        found = found.filter(assignment__round=round_)
    return page_of(
        found.select_related("step", "assignment__round", "assignment__task"), request.GET, newest_first=True
    )


def _turns(place: Place, kind: str, state: State, round_: Any, request: AuthenticatedRequest) -> Page[Any]:
    if kind == "bad_problem":
        found = reports_in([place.project], state)
    elif kind == "skip":
        found = Assignment.objects.filter(round__project=place.project, state=Assignment.State.SKIPPED)
    else:
        given_up = Assignment.objects.submitted().filter(finish_reason=Assignment.FinishReason.GIVE_UP)
        found = given_up.filter(round__project=place.project)
    if round_ is not None:
        found = found.filter(round=round_)
    related = ("round", "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by")
    return page_of(found.select_related(*related), request.GET, newest_first=True)


@login_required
@require_POST
def dismiss(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    report = _report(place, pk)
    form = DismissForm(request.POST)
    done = form.run(lambda data: dismiss_report(assignment=report, reason=data["reason"], actor=request.user))
    if done is None:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        messages.success(request, "The report is dismissed.")
    return redirect(_way_back(request, slug))


@login_required
@require_POST
def reopen(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    reopen_report(assignment=_report(place, pk), actor=request.user)
    messages.success(request, "The report is open again.")
    return redirect(_way_back(request, slug))


def _report(place: Place, pk: int) -> Assignment:
    return get_object_or_404(Assignment, round__project=place.project, pk=pk)


def _way_back(request: AuthenticatedRequest, slug: str) -> str:
    """To the page whose form was sent."""
    way = request.POST.get("way", "")
    is_ours = url_has_allowed_host_and_scheme(way, allowed_hosts=None) and way.startswith("/")
    return way if is_ours else f"{reverse('flags', args=[slug])}?kind=bad_problem"


def _as_flags(place: Place, kind: str, rows: list[Any]) -> list[Flag]:
    assignments = [row.assignment if kind == "unsure" else row for row in rows]
    names = labeler_names(place, {assignment.labeler_id for assignment in assignments})
    if kind == "unsure":
        return [
            Flag(
                assignment, names[assignment.labeler_id], row.step.text, assignment.submitted_at, row.step.position + 1
            )
            for row, assignment in zip(rows, assignments, strict=True)
        ]
    return [
        Flag(
            assignment,
            names[assignment.labeler_id],
            assignment.reason,
            assignment.leased_until if kind == "skip" else assignment.submitted_at,
        )
        for assignment in assignments
    ]
