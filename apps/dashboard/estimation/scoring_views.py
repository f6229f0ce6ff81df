"""Scoring runs: forecast, start, follow, pause, resume, cancel, and their scores."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, place_for
from apps.dashboard.estimation.scoring_forms import NewScoringForm
from apps.dashboard.pagination import page_of
from apps.inference.models import Endpoint
from apps.inference.scorers import SCORERS
from apps.scoring.forecast import ScoringForecast, scoring_forecast
from apps.scoring.histograms import score_histograms
from apps.scoring.models import ScoringRun, SolutionScore
from apps.scoring.reward_model import DEFAULT_KIND, adopt_run
from apps.scoring.services import cancel_scoring, pause_scoring, resume_scoring, start_scoring

SHOWN_FAILURES = 20


@login_required
@require_GET
def scorings(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    runs = ScoringRun.objects.filter(project=place.project).select_related("endpoint")
    page = page_of(runs, request.GET, size=30, newest_first=True)
    has_endpoints = Endpoint.objects.usable_in(place.project).exists()
    context = place.context("scoring-runs", page=page, has_endpoints=has_endpoints)
    return render(request, "scoring/runs.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_scoring(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "estimate")
    form = _form(request, place)
    run = form.run(lambda _: start_scoring(project=place.project, created_by=request.user, **form.arguments()))
    if run is not None:
        if form.cleaned_data["is_default"]:
            adopt_run(run=run, actor=request.user)
        return redirect("scoring", slug, run.number)
    first = Endpoint.objects.usable_in(place.project).first()
    expected = scoring_forecast(project=place.project, endpoint=first, kind=DEFAULT_KIND)
    context = place.context("scoring-runs", form=form, kinds=_kinds(), expected=expected, endpoint=first)
    return render(request, "scoring/new.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def forecast(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The expected requests, tokens, time and cost of the settings in the form; htmx asks while they are edited."""
    place = place_for(request.user, slug, "estimate")
    form = NewScoringForm(request.GET, project=place.project, sources=facets_of(place.project).sources)
    expected: ScoringForecast | None = None
    endpoint: Endpoint | None = None
    message = ""
    if form.is_valid():
        endpoint, kind = form.cleaned_data["endpoint"], form.cleaned_data["kind"]
        try:
            expected = scoring_forecast(
                project=place.project, endpoint=endpoint, kind=kind, prompt=form.prompt, selection=form.selection
            )
        except DomainError as error:
            message = error.message
    context = place.context("scoring-runs", expected=expected, endpoint=endpoint, error=message)
    return render(request, "scoring/_forecast.html", context)


def _kinds() -> list[dict[str, str]]:
    """Not the classes themselves: a template calls what can be called."""
    return [{"name": scorer.name, "title": scorer.title, "about": scorer.about} for scorer in SCORERS.values()]


def _form(request: AuthenticatedRequest, place: Place) -> NewScoringForm:
    return NewScoringForm(request.POST or None, project=place.project, sources=facets_of(place.project).sources)


@login_required
@require_GET
def scoring(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """The progress of a scoring run; htmx polls the fragment. Histograms follow once it has paused or ended."""
    place = place_for(request.user, slug, "browse")
    run = scoring_of(place, number)
    context = place.context(
        "scoring-runs",
        run=run,
        # Line ends and spaces decide what the model reads, so they are made visible.
        prompt=[(name, json.dumps(value, ensure_ascii=False)) for name, value in run.prompt.items() if value],
        options=[(name, value) for name, value in run.options.items() if value != []],
        can_resume=run.can_be_resumed and run.endpoint_id is not None,
    )
    if run.has_ended or run.status == JobStatus.PAUSED:
        failures = SolutionScore.objects.filter(run=run).exclude(failure="").order_by("id")
        context |= {"histograms": score_histograms(run), "failures": failures[:SHOWN_FAILURES]}
    return render(request, "scoring/_run.html" if request.htmx else "scoring/run.html", context)


def scoring_of(place: Place, number: int) -> ScoringRun:
    runs = ScoringRun.objects.select_related("endpoint", "created_by", "project")
    return get_object_or_404(runs, project=place.project, number=number)


@login_required
@require_POST
def change(request: AuthenticatedRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Pause, resume or cancel."""
    place = place_for(request.user, slug, "estimate")
    ACTIONS[act](run=scoring_of(place, number), actor=request.user)
    return redirect("scoring", slug, number)


ACTIONS: dict[str, Callable[..., ScoringRun]] = {
    "pause": pause_scoring,
    "resume": resume_scoring,
    "cancel": cancel_scoring,
}
