"""The page that says what a deletion takes along, the deletion itself, and archiving: one for all kinds of objects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import Conflict
from apps.dashboard.access import Place, place_for
from apps.dashboard.forms import ServiceForm
from apps.removal.kinds import KINDS, Kind
from apps.removal.models import Deletion
from apps.removal.services import archive, bring_back, continue_deletion, delete, preview_deletion

# By kind: the tab, the page of the list, the page of one, and the attribute by which that page finds it.
_PAGES: dict[str, tuple[str, str, str, str]] = {
    "project": ("project", "home", "project-settings", ""),
    "member": ("people", "people", "people", ""),
    "import": ("imports", "imports", "import", "pk"),
    "problem": ("solutions", "solutions", "problem", "pk"),
    "solution": ("solutions", "solutions", "solution", "pk"),
    "round": ("rounds", "rounds", "round", "number"),
    "export": ("exports", "exports", "export", "pk"),
    "endpoint": ("endpoints", "endpoints", "endpoint", "pk"),
    "judge": ("judging", "judging", "judging", ""),
    "estimation-run": ("estimation", "estimation", "run", "number"),
    "sampling-run": ("sampling-runs", "sampling-runs", "sampling", "number"),
    "scoring-run": ("scoring-runs", "scoring-runs", "scoring", "number"),
    "judge-run": ("judging", "judging", "judge-run", "number"),
}


class ConfirmationForm(ServiceForm):
    confirmation = forms.CharField(max_length=200, label="The name of the project")


def _found(request: AuthenticatedRequest, slug: str, name: str, pk: int) -> tuple[Place, Kind[Any], Any]:
    """The object, if the user may delete it. Raises as `place_for` does, and Http404."""
    place, kind = place_for(request.user, slug, "view"), KINDS.get(name)
    if kind is None:
        raise Http404("No such kind.")
    place = place_for(request.user, slug, kind.needs)
    return place, kind, get_object_or_404(kind.rows(place.project), pk=pk)


def _list_url(kind: Kind[Any], slug: str) -> str:
    page = _PAGES[kind.name][1]
    return reverse(page) if page == "home" else reverse(page, args=[slug])


def _page_url(kind: Kind[Any], slug: str, row: Any) -> str:
    _, _, page, attribute = _PAGES[kind.name]
    return reverse(page, args=[slug, getattr(row, attribute)] if attribute else [slug])


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: AuthenticatedRequest, slug: str, kind: str, pk: int) -> HttpResponse:
    """What goes and what holds it, with the button that deletes it."""
    place, found_kind, row = _found(request, slug, kind, pk)
    is_typed = found_kind.name == "project"
    form = ConfirmationForm(request.POST or None) if is_typed else None
    status, refusal = 200, ""
    if request.method == "POST":
        title = found_kind.title_of(row)
        try:
            if form is None:
                deletion = delete(kind=found_kind, row=row, project=place.project, actor=request.user)
                return _done(request, found_kind, slug, title, deletion)
            deletion = form.run(
                lambda data: delete(kind=found_kind, row=row, project=place.project, actor=request.user, **data)
            )
            if deletion is not None:
                return _done(request, found_kind, slug, title, deletion)
            status = 422
        except Conflict as conflict:
            status, refusal = conflict.status, conflict.message
    context = place.context(
        _PAGES[found_kind.name][0],
        kind=found_kind,
        row=row,
        title=found_kind.title_of(row),
        consequences=preview_deletion(found_kind, row),
        refusal=refusal,
        form=form,
        back=_page_url(found_kind, slug, row),
    )
    return render(request, "removal/confirm.html", context, status=status)


def _done(
    request: AuthenticatedRequest, kind: Kind[Any], slug: str, title: str, deletion: Deletion | None
) -> HttpResponse:
    if deletion is not None:
        return redirect("deletion", deletion.pk)
    messages.success(request, f"Deleted: {title}.")
    return redirect(_list_url(kind, slug))


@login_required
@require_POST
def set_archived(request: AuthenticatedRequest, slug: str, kind: str, pk: int, *, archived: bool) -> HttpResponse:
    place, found_kind, row = _found(request, slug, kind, pk)
    act = archive if archived else bring_back
    try:
        act(kind=found_kind, row=row, project=place.project, actor=request.user)
        messages.success(request, f"{'Archived' if archived else 'Brought back'}: {found_kind.title_of(row)}.")
    except Conflict as conflict:
        messages.error(request, conflict.message)
    return redirect(_page_url(found_kind, slug, row))


@login_required
@require_GET
def deletion(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """The progress of a deletion in the background, for who asked for it; htmx polls it."""
    deletion = get_object_or_404(Deletion.objects.select_related("project"), pk=pk, requested_by=request.user)
    template = "removal/_deletion.html" if request.htmx else "removal/deletion.html"
    return render(request, template, {"job": deletion, "kind": KINDS[deletion.kind]})


@login_required
@require_POST
def go_on(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Continue a deletion that has failed, of something that nobody can open any more, for who asked for it."""
    deletion = get_object_or_404(Deletion, pk=pk, requested_by=request.user)
    if not KINDS[deletion.kind].ends_access:
        raise Http404("This is deleted again on its own page.")
    try:
        continue_deletion(deletion=deletion)
    except Conflict as conflict:
        messages.error(request, conflict.message)
    return redirect("deletion", pk)
