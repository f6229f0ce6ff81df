"""What labelers left for reviewers: steps that they were not sure of, tasks that they gave up, reported or put off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.requests import AuthenticatedRequest
from apps.dashboard.access import Place, place_for
from apps.dashboard.evidence import labeler_names
from apps.dashboard.forms.flags import FlagsForm
from apps.dashboard.paging import Page, page_of
from apps.labeling.models import Assignment, StepLabel

_ENDED = {"give_up": Assignment.FinishReason.GIVE_UP, "bad_problem": Assignment.FinishReason.BAD_PROBLEM}


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing to look at. `step` counts from 1, where it is about one step."""

    turn: Assignment
    name: str
    text: str
    at: datetime | None
    step: int | None = None


@login_required
@require_GET
def flags(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    form = FlagsForm(request.GET or None, project=place.project)
    wanted = form.cleaned_data if form.is_bound and form.is_valid() else {}
    kind, round_ = wanted.get("kind") or "unsure", wanted.get("round")
    page = _unsure(place, round_, request) if kind == "unsure" else _turns(place, kind, round_, request)
    shown = _as_flags(place, kind, page.rows)
    return render(request, "labeling/flags.html", place.context("flags", form=form, kind=kind, page=page, flags=shown))


def _unsure(place: Place, round_: Any, request: AuthenticatedRequest) -> Page[Any]:
    found = StepLabel.objects.filter(
        unsure=True, assignment__round__project=place.project, assignment__state__in=Assignment.SPOKEN
    )
    if round_ is not None:
        found = found.filter(assignment__round=round_)
    return page_of(
        found.select_related("step", "assignment__round", "assignment__task"), request.GET, newest_first=True
    )


def _turns(place: Place, kind: str, round_: Any, request: AuthenticatedRequest) -> Page[Any]:
    found = Assignment.objects.filter(round__project=place.project)
    if round_ is not None:
        found = found.filter(round=round_)
    found = found.filter(**({"state": Assignment.State.SKIPPED} if kind == "skip" else {"finish_reason": _ENDED[kind]}))
    return page_of(found.select_related("round", "task__solution__problem"), request.GET, newest_first=True)


def _as_flags(place: Place, kind: str, rows: list[Any]) -> list[Flag]:
    turns = [row.assignment if kind == "unsure" else row for row in rows]
    names = labeler_names(place, {turn.labeler_id for turn in turns})
    if kind == "unsure":
        return [
            Flag(turn, names[turn.labeler_id], row.step.text, turn.submitted_at, row.step.position + 1)
            for row, turn in zip(rows, turns, strict=True)
        ]
    return [
        Flag(turn, names[turn.labeler_id], turn.reason, turn.leased_until if kind == "skip" else turn.submitted_at)
        for turn in turns
    ]
