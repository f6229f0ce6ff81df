"""The judges of a project, and their runs."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import place_for
from apps.dashboard.pagination import page_of
from apps.dashboard.removal.queries import listed
from apps.inference.models import Endpoint
from apps.judging.models import Judge, JudgeRun
from apps.judging.summaries import judge_summaries

SHOWN_JUDGES = 100


@login_required
@require_GET
def judges(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    judges = Judge.objects.filter(project=place.project).select_related("project", "constitution")
    runs = JudgeRun.objects.filter(project=place.project, origin="").select_related("judge", "created_by")
    context = place.context(
        "judging",
        summaries=judge_summaries(list(listed(judges, request).order_by("name", "-version")[:SHOWN_JUDGES])),
        page=page_of(runs, request.GET, size=20, newest_first=True),
        has_endpoints=Endpoint.objects.usable_in(place.project).exists(),
    )
    return render(request, "judging/judges.html", context)
