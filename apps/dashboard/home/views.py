"""What can I do now?"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.home.queries import (
    memberships_of,
    moving_exports,
    moving_imports,
    moving_runs,
    open_rounds_for,
    submissions_by_day,
)
from apps.dashboard.projects.forms import NewProjectForm
from apps.labeling.models import Assignment
from apps.projects.permissions import can
from apps.projects.services import check_founder, found_project, may_found
from apps.quality.review.reports import count_open_reports


@login_required
@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    work, memberships = open_rounds_for(request.user), memberships_of(request.user)
    reported = count_open_reports([one.project for one in memberships if can(one, "review")])
    days = submissions_by_day(Assignment.objects.filter(labeler=request.user), now=timezone.now())
    context = {
        "work": work,
        "memberships": memberships,
        "projects": [(one, reported.get(one.project_id, 0)) for one in memberships],
        "may_found": may_found(request.user),
        "manages": any(can(one, "import") for one in memberships),
        "days": days,
        "today": days[-1][1],
        "has_worked": any(count for _, count in days),
        "moving": [*moving_imports(request.user), *moving_exports(request.user), *moving_runs(request.user)],
    }
    return render(request, "home/home.html", context)


@login_required
@require_GET
def moving(request: AuthenticatedRequest) -> HttpResponse:
    """The running jobs of who asks; the fragment asks again as long as there are any."""
    jobs = [*moving_imports(request.user), *moving_exports(request.user), *moving_runs(request.user)]
    return render(request, "home/_running_jobs.html", {"moving": jobs})


@login_required
@require_http_methods(["GET", "POST"])
def new_project(request: AuthenticatedRequest) -> HttpResponse:
    check_founder(request.user)
    form = NewProjectForm(request.POST or None)
    project = form.run(lambda data: found_project(founder=request.user, **data))
    if project is not None:
        return redirect("project", project.slug)
    return render(request, "projects/new.html", {"form": form}, status=422 if form.errors else 200)
