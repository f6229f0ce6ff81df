"""Sampling runs: forecast, start, follow, pause, resume and cancel."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import Place, place_for
from apps.dashboard.estimation.forms import NewSamplingForm
from apps.dashboard.pagination import page_of
from apps.estimation.models import SampledProblem, SamplingRun
from apps.estimation.sampling.forecast import SamplingForecast, sampling_forecast
from apps.estimation.sampling.services import cancel_sampling, pause_sampling, resume_sampling, start_sampling
from apps.inference.models import Endpoint

SHOWN_FAILURES = 20


@login_required
@require_GET
def samplings(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    runs = SamplingRun.objects.filter(project=place.project).select_related("endpoint")
    page = page_of(runs, request.GET, size=30, newest_first=True)
    has_endpoints = Endpoint.objects.usable_in(place.project).exists()
    context = place.context("sampling-runs", page=page, has_endpoints=has_endpoints)
    return render(request, "estimation/sampling_runs.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_sampling(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "estimate")
    form = NewSamplingForm(request.POST or None, project=place.project)
    run = form.run(lambda _: start_sampling(project=place.project, created_by=request.user, **form.arguments()))
    if run is not None:
        return redirect("sampling", slug, run.number)
    first = Endpoint.objects.usable_in(place.project).first()
    expected = sampling_forecast(project=place.project, endpoint=first, per_problem=4, max_tokens=1024)
    context = place.context("sampling-runs", form=form, expected=expected, endpoint=first)
    return render(request, "estimation/sampling_new.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def forecast(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The expected tokens, time and cost of the settings in the form; htmx asks while they are edited."""
    place = place_for(request.user, slug, "estimate")
    form = NewSamplingForm(request.GET, project=place.project)
    expected: SamplingForecast | None = None
    endpoint: Endpoint | None = None
    if form.is_valid():
        data = form.cleaned_data
        endpoint = data["endpoint"]
        expected = sampling_forecast(
            project=place.project, endpoint=endpoint, per_problem=data["per_problem"], max_tokens=data["max_tokens"]
        )
    context = place.context("sampling-runs", expected=expected, endpoint=endpoint)
    return render(request, "estimation/_sampling_forecast.html", context)


@login_required
@require_GET
def sampling(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """The progress of a sampling run; htmx polls the fragment."""
    place = place_for(request.user, slug, "browse")
    run = sampling_of(place, number)
    can_resume = run.can_be_resumed and run.endpoint_id is not None
    failures = SampledProblem.objects.filter(run=run).exclude(failure="").select_related("problem").order_by("id")
    context = place.context("sampling-runs", run=run, can_resume=can_resume, failures=failures[:SHOWN_FAILURES])
    return render(request, "estimation/_sampling.html" if request.htmx else "estimation/sampling.html", context)


def sampling_of(place: Place, number: int) -> SamplingRun:
    runs = SamplingRun.objects.select_related("endpoint", "created_by", "project")
    return get_object_or_404(runs, project=place.project, number=number)


@login_required
@require_POST
def change(request: AuthenticatedRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Pause, resume or cancel."""
    place = place_for(request.user, slug, "estimate")
    ACTIONS[act](run=sampling_of(place, number), actor=request.user)
    return redirect("sampling", slug, number)


ACTIONS: dict[str, Callable[..., SamplingRun]] = {
    "pause": pause_sampling,
    "resume": resume_sampling,
    "cancel": cancel_sampling,
}
