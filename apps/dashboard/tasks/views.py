"""The task table: which task is where, and actions on many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.dashboard.access import Place, place_for
from apps.dashboard.csv_files import csv_response
from apps.dashboard.tasks.forms import ActionForm, TaskFilterForm, ViewForm, query_of
from apps.dashboard.tasks.queries import csv_rows, page_of_tasks, shown_page
from apps.labeling.models import SavedView
from apps.labeling.queue.reservations import MOST_TASKS, Changed, release_tasks, reserve, set_priority
from apps.labeling.saved_views import delete_view, save_view, views_for
from apps.projects.models import Membership
from apps.quality.task_table.actions import retire_tasks, return_tasks
from apps.quality.task_table.filters import COUNTED_TO, count_of, first_ids, tasks_in

SHOWN_REASONS = 10


@login_required
@require_GET
def tasks(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    return _page(request, place)


def _page(
    request: AuthenticatedRequest,
    place: Place,
    action: ActionForm | None = None,
    view: ViewForm | None = None,
) -> HttpResponse:
    form = TaskFilterForm(request.GET, place=place)
    filters = form.filters()
    matching = tasks_in(place.project, filters)
    page = page_of_tasks(matching, request.GET, form.chosen_order())
    count = count_of(matching)
    query = urlencode(form.as_query())
    context = place.context(
        "tasks",
        form=form,
        action=action or ActionForm(place=place),
        view_form=view or ViewForm(),
        page=page,
        rows=shown_page(place, page.rows),
        count=min(count, COUNTED_TO),
        has_more=count > COUNTED_TO,
        most=MOST_TASKS,
        is_filtered=not filters.is_empty,
        query=query,
        views=[
            (saved, urlencode(query_of(saved.filters)), urlencode(query_of(saved.filters)) == query)
            for saved in views_for(place.project, request.user)
        ],
    )
    invalid = any(shown is not None and shown.errors for shown in (action, view))
    return render(request, "tasks/tasks.html", context, status=422 if invalid else 200)


@login_required
@require_GET
def tasks_file(request: AuthenticatedRequest, slug: str) -> HttpResponseBase:
    """The tasks that the table shows, all of them, as CSV."""
    place = place_for(request.user, slug, "manage_rounds")
    form = TaskFilterForm(request.GET, place=place)
    if not form.is_valid():
        raise DomainError("A filter has a value that it does not offer: choose it again.")
    matching = tasks_in(place.project, form.filters())
    return csv_response(csv_rows(place, matching), f"{place.project.slug}-tasks")


# --- actions on chosen tasks ------------------------------------------------------------------------------


@login_required
@require_POST
def act(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Do something with the chosen tasks, or with all that match the filters in the URL."""
    place = place_for(request.user, slug, "manage_rounds")
    name = request.POST.get("act", "")
    if name not in ACTIONS:
        raise DomainError("Unknown action.", fields={"act": f"must be one of {', '.join(ACTIONS)}"})
    if not TaskFilterForm(request.GET, place=place).is_valid():
        # A filter that is ignored would have the action reach every task, or every labeler.
        raise DomainError("A filter has a value that it no longer offers: choose it again. Nothing was changed.")
    form = ActionForm(request.POST, place=place)
    ids = _chosen(request, place)
    changed = form.run(lambda data: ACTIONS[name](place, ids, data, request))
    if changed is None:
        return _page(request, place, action=form)
    _tell(request, DONE[name], changed)
    return redirect(f"{reverse('tasks', args=[slug])}?{request.GET.urlencode()}")


def _chosen(request: AuthenticatedRequest, place: Place) -> Sequence[int]:
    if request.POST.get("all") == "1":
        return first_ids(tasks_in(place.project, TaskFilterForm(request.GET, place=place).filters()), MOST_TASKS)
    ids = [parse_id(text) for text in request.POST.getlist("task")]
    return [pk for pk in ids if pk is not None]


def _assign(place: Place, ids: Sequence[int], data: Mapping[str, Any], request: AuthenticatedRequest) -> Changed:
    if not data["labeler"]:
        raise DomainError("Choose a person.", fields={"labeler": "choose to whom the tasks are assigned"})
    members = Membership.objects.filter(project=place.project).select_related("user")
    member = get_object_or_404(members, pk=int(data["labeler"]))
    return reserve(project=place.project, tasks=ids, labeler=member.user, actor=request.user, note=data["note"])


def _release(place: Place, ids: Sequence[int], data: Mapping[str, Any], request: AuthenticatedRequest) -> Changed:
    return release_tasks(project=place.project, tasks=ids, actor=request.user)


def _prioritize(place: Place, ids: Sequence[int], data: Mapping[str, Any], request: AuthenticatedRequest) -> Changed:
    if data["priority"] is None:
        raise DomainError("Give a priority.", fields={"priority": "required"})
    return set_priority(project=place.project, tasks=ids, priority=data["priority"], actor=request.user)


def _return(place: Place, ids: Sequence[int], data: Mapping[str, Any], request: AuthenticatedRequest) -> Changed:
    labeler = TaskFilterForm(request.GET, place=place).filters().labeler
    return return_tasks(project=place.project, tasks=ids, actor=request.user, note=data["note"], labeler=labeler)


def _retire(place: Place, ids: Sequence[int], data: Mapping[str, Any], request: AuthenticatedRequest) -> Changed:
    return retire_tasks(project=place.project, tasks=ids, actor=request.user, reason=data["note"])


Action = Callable[[Place, Sequence[int], Mapping[str, Any], AuthenticatedRequest], Changed]
ACTIONS: Mapping[str, Action] = {
    "assign": _assign,
    "release": _release,
    "priority": _prioritize,
    "return": _return,
    "retire": _retire,
}
DONE: Mapping[str, str] = {
    "assign": "assigned",
    "release": "taken back: their slots are free for others",
    "priority": "with the new priority",
    "return": "returned with your note",
    "retire": "withdrawn: their problems are retired",
}


def _tell(request: AuthenticatedRequest, done: str, changed: Changed) -> None:
    """What was done, and the reason for each task that was left out."""
    count = len(changed.tasks)
    if count:
        messages.success(request, f"{count:,} task{'' if count == 1 else 's'} {done}.")
    refused = list(changed.refused.items())
    for pk, reason in refused[:SHOWN_REASONS]:
        messages.warning(request, f"Task {pk} was left out. {reason}")
    if len(refused) > SHOWN_REASONS:
        messages.warning(request, f"{len(refused) - SHOWN_REASONS:,} more tasks were left out.")


# --- saved views ------------------------------------------------------------------------------------------


@login_required
@require_POST
def new_view(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Save the filters in the URL under a name."""
    place = place_for(request.user, slug, "manage_rounds")
    form, filters = ViewForm(request.POST), TaskFilterForm(request.GET, place=place).as_query()
    saved = form.run(
        lambda data: save_view(project=place.project, owner=request.user, filters=filters, **data),
    )
    if saved is None:
        return _page(request, place, view=form)
    messages.success(request, f"View {saved.name} saved.")
    return redirect(f"{reverse('tasks', args=[slug])}?{urlencode(filters)}")


@login_required
@require_POST
def remove_view(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    seen = SavedView.objects.filter(pk__in=[view.pk for view in views_for(place.project, request.user)])
    view = get_object_or_404(seen.select_related("project"), pk=pk)
    delete_view(view=view, actor=request.user)
    messages.success(request, f"View {view.name} deleted.")
    return redirect("tasks", slug)
