"""Hours and pace for payment, as a page and as CSV."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.dashboard.access import Place, place_for
from apps.dashboard.csv_files import csv_response
from apps.dashboard.people.hours import DaysForm, csv_rows, total_rows


@login_required
@require_GET
def hours(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    return _page(request, place_for(request.user, slug, "invite"))


@login_required
@require_GET
def hours_file(request: AuthenticatedRequest, slug: str) -> HttpResponseBase:
    return _file(request, place_for(request.user, slug, "invite"))


@login_required
@require_GET
def own_hours(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The page with the user's own rows only."""
    return _page(request, place_for(request.user, slug, "label"), request.user)


@login_required
@require_GET
def own_hours_file(request: AuthenticatedRequest, slug: str) -> HttpResponseBase:
    return _file(request, place_for(request.user, slug, "label"), request.user)


def _page(request: AuthenticatedRequest, place: Place, labeler: User | None = None) -> HttpResponse:
    form = DaysForm(request.GET)
    hours = form.hours(place, labeler)
    days = {} if hours is None else {"since": hours.since.isoformat(), "until": hours.until.isoformat()}
    if hours is not None:
        form = DaysForm(initial=days)
    context = place.context(
        "people" if labeler is None else "work",
        form=form,
        hours=hours,
        rows=[] if hours is None else total_rows(place, hours),
        query=urlencode(days),
        is_own=labeler is not None,
    )
    return render(request, "people/hours.html", context, status=422 if hours is None else 200)


def _file(request: AuthenticatedRequest, place: Place, labeler: User | None = None) -> HttpResponseBase:
    hours = DaysForm(request.GET).hours(place, labeler)
    if hours is None:
        return _page(request, place, labeler)
    return csv_response(csv_rows(place, hours), f"{place.project.slug}-hours-{hours.since}-{hours.until}")
