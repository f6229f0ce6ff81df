"""Endpoints: add, change, check and remove served models."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import NotAllowed
from apps.dashboard.access import Place, place_for
from apps.dashboard.estimation.forms import EndpointForm
from apps.dashboard.removal.queries import listed, shows_archived
from apps.inference.models import Endpoint
from apps.inference.services import SETTINGS, add_endpoint, change_endpoint, check_endpoint


@login_required
@require_GET
def endpoints(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_endpoints")
    usable = Endpoint.objects.usable_in(place.project)
    if shows_archived(request):
        usable = listed(Endpoint.objects.filter(project=place.project), request)
    return render(request, "estimation/endpoints.html", place.context("endpoints", endpoints=usable))


@login_required
@require_http_methods(["GET", "POST"])
def new_endpoint(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_endpoints")
    form = EndpointForm(request.POST or None)
    endpoint = form.run(
        lambda data: add_endpoint(
            project=place.project,
            name=data["name"],
            url=data["url"],
            model=data["model"],
            api_key=data["api_key"],
            created_by=request.user,
            settings=form.settings(),
        )
    )
    if endpoint is not None:
        _check(request, endpoint)
        return redirect("endpoints", slug)
    return _form(request, place, form)


@login_required
@require_http_methods(["GET", "POST"])
def edit_endpoint(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_endpoints")
    endpoint = endpoint_of(place, pk)
    initial = {name: getattr(endpoint, name) for name in ("name", "url", "model", *SETTINGS)}
    form = EndpointForm(request.POST or None, initial=initial)
    form.fields["name"].disabled = True
    changed = form.run(
        lambda data: change_endpoint(
            endpoint=endpoint,
            url=data["url"],
            model=data["model"],
            actor=request.user,
            api_key=data["api_key"] or None,
            settings=form.settings(),
        )
    )
    if changed is not None:
        _check(request, changed)
        return redirect("endpoints", slug)
    return _form(request, place, form, endpoint)


@login_required
@require_POST
def check(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_endpoints")
    _check(request, get_object_or_404(Endpoint.objects.usable_in(place.project), pk=pk))
    return redirect("endpoints", slug)


def endpoint_of(place: Place, pk: int) -> Endpoint:
    """An endpoint of the project. Raises NotAllowed for those of the installation, which the operator changes."""
    endpoint = get_object_or_404(Endpoint.objects.usable_in(place.project), pk=pk)
    if endpoint.project_id is None:
        raise NotAllowed("This endpoint belongs to the installation. Only the operator can change it.")
    return endpoint


def _form(
    request: AuthenticatedRequest, place: Place, form: EndpointForm, endpoint: Endpoint | None = None
) -> HttpResponse:
    context = place.context("endpoints", form=form, endpoint=endpoint, more=[form[name] for name in form.MORE])
    return render(request, "estimation/endpoint_form.html", context, status=422 if form.errors else 200)


def _check(request: AuthenticatedRequest, endpoint: Endpoint) -> None:
    endpoint = check_endpoint(endpoint=endpoint)
    if endpoint.check_error:
        messages.error(request, f"{endpoint.name} does not respond: {endpoint.check_error}")
    else:
        messages.success(request, f"{endpoint.name} responds.")
