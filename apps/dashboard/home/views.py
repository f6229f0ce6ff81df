"""The home page: open rounds, running jobs and projects of the signed-in user."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.home.queries import open_rounds_for, running_jobs
from apps.dashboard.projects.queries import memberships_of
from apps.dashboard.removal.queries import shows_archived
from apps.labeling.activity import submissions_by_day
from apps.labeling.models import Assignment
from apps.projects.permissions import can
from apps.projects.services import may_found
from apps.quality.review.reports import count_open_reports

SHOWN_PROJECTS = 50
SEARCHED_FROM = 2  # One project needs no search.
LONGEST_QUERY = 100


@login_required
@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    """With `?q=`, the projects whose name holds it. Of many, the first by name: the search finds the others."""
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    found = list(memberships_of(request.user, named=query, archived=shows_archived(request))[: SHOWN_PROJECTS + 1])
    work, memberships = open_rounds_for(request.user), found[:SHOWN_PROJECTS]
    reported = count_open_reports([member.project for member in memberships if can(member, "review")])
    days = submissions_by_day(Assignment.objects.filter(labeler=request.user), now=timezone.now())
    context = {
        "work": work,
        "memberships": memberships,
        "query": query,
        "has_search": bool(query) or len(memberships) >= SEARCHED_FROM,
        "has_more": len(found) > SHOWN_PROJECTS,
        "projects": [(member, reported.get(member.project_id, 0)) for member in memberships],
        "may_found": may_found(request.user),
        "manages": any(can(member, "import") for member in memberships),
        "days": days,
        "today": days[-1][1],
        "has_submitted": any(count for _, count in days),
        "jobs": running_jobs(request.user),
    }
    return render(request, "home/home.html", context)


@login_required
@require_GET
def running(request: AuthenticatedRequest) -> HttpResponse:
    """The user's running jobs; htmx polls this fragment while there are any."""
    return render(request, "home/_running_jobs.html", {"jobs": running_jobs(request.user)})
