"""A project's overview, settings and guidelines, and the form for a new project."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.holdings import holdings_of
from apps.corpus.models import ImportBatch
from apps.dashboard.access import place_for, rounds_of
from apps.dashboard.people.queries import people_of
from apps.dashboard.projects.forms import GuidelinesForm, NewProjectForm, ProjectForm
from apps.dashboard.projects.queries import next_steps
from apps.dashboard.rounds.queries import work_for
from apps.exports.models import Export
from apps.labeling.activity import submissions_by_day
from apps.labeling.models import Assignment
from apps.projects.markdown import to_html
from apps.projects.models import Membership
from apps.projects.services import check_founder, found_project, publish_guidelines, update_project
from apps.quality.review.reports import count_open_reports

RECENT = 5
EXCERPT = 700  # Characters.


@login_required
@require_http_methods(["GET", "POST"])
def new_project(request: AuthenticatedRequest) -> HttpResponse:
    check_founder(request.user)
    form = NewProjectForm(request.POST or None)
    project = form.run(lambda data: found_project(founder=request.user, **data))
    if project is not None:
        return redirect("project", project.slug)
    return render(request, "projects/new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_GET
def project(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    project = place.project
    rounds = work_for(request.user, rounds_of(place).filter(archived_at=None))
    guideline = project.guidelines.first()
    context = place.context(
        "project", rounds=rounds, guideline=guideline, excerpt=to_html(excerpt(guideline.text)) if guideline else ""
    )
    if place.may("browse"):
        assignments = Assignment.objects.filter(round__project=project, round__origin="")
        days = submissions_by_day(assignments, now=timezone.now())
        context["reported"] = count_open_reports([project]).get(project.pk, 0)
        context |= {"holdings": holdings_of(project), "days": days, "has_days": any(count for _, count in days)}
    if place.may("import"):
        context |= {
            "people": [member for member in people_of(project) if member.status == Membership.Status.ACTIVE],
            "imports": ImportBatch.objects.filter(project=project, archived_at=None)[:RECENT],
            "exports": Export.objects.filter(project=project, archived_at=None)[:RECENT],
            "steps": next_steps(place, rounds),
        }
    return render(request, "projects/project.html", context)


@login_required
@require_GET
def project_rounds(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The rounds of the project page; htmx polls this fragment."""
    place = place_for(request.user, slug, "view")
    work = work_for(request.user, rounds_of(place).filter(archived_at=None))
    return render(request, "projects/_rounds.html", place.context("project", rounds=work))


def excerpt(text: str, length: int = EXCERPT) -> str:
    """Whole paragraphs from the start of the text, about `length` characters in all."""
    paragraphs: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraphs and sum(map(len, paragraphs)) + len(paragraph) > length:
            break
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)


@login_required
@require_http_methods(["GET", "POST"])
def project_settings(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    initial = {name: getattr(place.project, name) for name in ("name", "description", "shows_scores", "renders_texts")}
    form = ProjectForm(request.POST or None, initial=initial)
    saved = form.run(lambda data: update_project(project=place.project, actor=request.user, **data))
    if saved is not None:
        messages.success(request, "Settings saved.")
        return redirect("project", slug)
    context = place.context("project-settings", form=form)
    return render(request, "projects/settings.html", context, status=422 if form.errors else 200)


# --- guidelines -------------------------------------------------------------------------------------------


@login_required
@require_GET
def guidelines(request: AuthenticatedRequest, slug: str, version: int | None = None) -> HttpResponse:
    """The newest guidelines, or those of a version. Raises Http404 if the project has no such version."""
    place = place_for(request.user, slug, "view")
    versions = list(place.project.guidelines.select_related("author").defer("text")[:50])
    number = version or (versions[0].version if versions else 0)
    guideline = place.project.guidelines.filter(version=number).select_related("author").first()
    if version and guideline is None:
        raise Http404("No such version.")
    context = place.context(
        "guidelines",
        versions=versions,
        guideline=guideline,
        html=to_html(guideline.text) if guideline else "",
        is_current=bool(guideline and versions and guideline.version == versions[0].version),
    )
    return render(request, "projects/guidelines.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit_guidelines(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "edit_guidelines")
    current = place.project.guidelines.first()
    form = GuidelinesForm(request.POST or None, initial={"text": current.text if current else STARTER})
    saved = form.run(lambda data: publish_guidelines(project=place.project, text=data["text"], author=request.user))
    if saved is not None:
        messages.success(request, f"Guidelines saved as version {saved.version}.")
        return redirect("guidelines", slug)
    context = place.context("guidelines", form=form, current=current, html=to_html(str(form["text"].value() or "")))
    return render(request, "projects/guidelines_edit.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def preview_guidelines(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place_for(request.user, slug, "edit_guidelines")
    return render(request, "projects/_prose.html", {"html": to_html(request.POST.get("text", "")[:100_000])})


STARTER = """\
# What to do

Read the problem, then rate its steps one by one.

| rating | meaning |
|---|---|
| **great** | correct, and brings the solution forward |
| **okay** | true, but does not help |
| **bad** | wrong, or does not follow |

Choose *unsure* when you cannot decide, and *give up* when you do not understand the problem.
"""
