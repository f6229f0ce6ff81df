"""A project at a glance, its settings and its guidelines."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.models import ImportBatch
from apps.dashboard.access import Place, place_for, rounds_of
from apps.dashboard.home.queries import holdings_of, next_steps, people_of, submissions_by_day, work_for
from apps.dashboard.projects.forms import GuidelinesForm, ProjectForm
from apps.exports.models import Export
from apps.labeling.models import Assignment
from apps.projects.markdown import to_html
from apps.projects.models import Membership
from apps.projects.services import publish_guidelines, update_project
from apps.quality.review.reports import count_open_reports

RECENT = 5


@login_required
@require_GET
def project(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    return render(request, "projects/project.html", place.context("project", **_overview(place)))


@login_required
@require_GET
def project_rounds(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The rounds of the project page, by themselves: they are asked for again while one is open."""
    place = place_for(request.user, slug, "view")
    work = work_for(request.user, rounds_of(place))
    return render(request, "projects/_rounds.html", place.context("project", rounds=work))


def _overview(place: Place) -> dict[str, object]:
    project, user = place.project, place.membership.user
    rounds = work_for(user, rounds_of(place))
    guideline = project.guidelines.first()
    shown: dict[str, object] = {
        "rounds": rounds,
        "guideline": guideline,
        "excerpt": to_html(_first_paragraphs(guideline.text)) if guideline else "",
    }
    if place.may("browse"):
        assignments = Assignment.objects.filter(round__project=project, round__origin="")
        days = submissions_by_day(assignments, now=timezone.now())
        shown["reported"] = count_open_reports([project]).get(project.pk, 0)
        shown |= {"holdings": holdings_of(project), "days": days, "has_days": any(count for _, count in days)}
    if place.may("import"):
        shown |= {
            "people": [one for one in people_of(project) if one.status == Membership.Status.ACTIVE],
            "imports": ImportBatch.objects.filter(project=project)[:RECENT],
            "exports": Export.objects.filter(project=project)[:RECENT],
            "steps": next_steps(place, rounds),
        }
    return shown


def _first_paragraphs(text: str, length: int = 700) -> str:
    """Whole paragraphs from the start, about `length` characters of them."""
    kept: list[str] = []
    for paragraph in text.split("\n\n"):
        if kept and sum(map(len, kept)) + len(paragraph) > length:
            break
        kept.append(paragraph)
    return "\n\n".join(kept)


@login_required
@require_http_methods(["GET", "POST"])
def project_settings(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    initial = {name: getattr(place.project, name) for name in ("name", "description", "shows_scores")}
    form = ProjectForm(request.POST or None, initial=initial)
    saved = form.run(lambda data: update_project(project=place.project, actor=request.user, **data))
    if saved is not None:
        messages.success(request, "Saved.")
        return redirect("project", slug)
    context = place.context("project", form=form)
    return render(request, "projects/settings.html", context, status=422 if form.errors else 200)


# --- guidelines -------------------------------------------------------------------------------------------


@login_required
@require_GET
def guidelines(request: AuthenticatedRequest, slug: str, version: int | None = None) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    versions = list(place.project.guidelines.select_related("author").defer("text")[:50])
    wanted = version or (versions[0].version if versions else None)
    shown = place.project.guidelines.filter(version=wanted or 0).select_related("author").first()
    if version and shown is None:
        raise Http404("No such version.")
    context = place.context(
        "guidelines",
        versions=versions,
        guideline=shown,
        html=to_html(shown.text) if shown else "",
        is_current=bool(shown and versions and shown.version == versions[0].version),
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
        messages.success(request, f"These guidelines are version {saved.version}.")
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

Read the problem, then the steps one by one, and rate each.

| rating | means |
|---|---|
| **great** | right, and it brings the solution on |
| **okay** | true, but it does not help |
| **bad** | wrong, or it does not follow |

Take *unsure* when you cannot decide, and *give up* when you do not understand the problem.
"""
