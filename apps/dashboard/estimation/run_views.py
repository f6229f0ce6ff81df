"""Estimation runs: forecast, start, follow, pause, resume, cancel, and their results."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from redis import Redis, RedisError

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, place_for
from apps.dashboard.estimation.forms import NewRunForm
from apps.dashboard.pagination import page_of
from apps.dashboard.quality.tables import Cell
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.estimation.runs.forecast import RunForecast, forecasts
from apps.estimation.runs.services import cancel_run, pause_run, resume_run, start_run
from apps.estimation.strategies import STRATEGIES
from apps.estimation.strategies.tree import Tree
from apps.inference.concurrency.shared_limit import in_flight
from apps.inference.models import Endpoint
from apps.quality.metrics import estimation_runs
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.runs.selection import solutions_of

SHOWN_FAILURES = 20


@login_required
@require_GET
def runs(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    runs = EstimationRun.objects.filter(project=place.project).select_related("endpoint", "created_by")
    page = page_of(runs, request.GET, size=30, newest_first=True)
    has_endpoints = Endpoint.objects.usable_in(place.project).exists()
    context = place.context("estimation", page=page, has_endpoints=has_endpoints)
    return render(request, "estimation/runs.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_run(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "estimate")
    form = _form(request, place)
    run = form.run(lambda _: start_run(project=place.project, created_by=request.user, **form.arguments()))
    if run is not None:
        return redirect("run", slug, run.number)
    context = place.context("estimation", form=form, strategies=STRATEGIES)
    return render(request, "estimation/new.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def forecast(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The expected rollouts, time and cost of the settings in the form; htmx asks while they are edited."""
    place = place_for(request.user, slug, "estimate")
    form = NewRunForm(request.GET, project=place.project, sources=facets_of(place.project).sources)
    rows: list[RunForecast] = []
    endpoint, message = None, ""
    if form.is_valid():
        arguments = form.arguments()
        endpoint = arguments["endpoint"]
        options = dict.fromkeys(STRATEGIES, arguments["options"])
        try:
            rows = forecasts(
                solutions_of(place.project, form.selection),
                endpoint,
                answers_suffice=arguments["answers_suffice"],
                options=options,
            )
        except DomainError as error:
            message = error.message
    context = place.context(
        "estimation", forecasts=rows, endpoint=endpoint, chosen=request.GET.get("strategy"), error=message
    )
    return render(request, "estimation/_forecast.html", context)


def _form(request: AuthenticatedRequest, place: Place) -> NewRunForm:
    return NewRunForm(request.POST or None, project=place.project, sources=facets_of(place.project).sources)


@login_required
@require_GET
def run(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """The progress of a run; htmx polls the fragment. Results are read only once the run has paused or ended."""
    place = place_for(request.user, slug, "browse")
    run = run_of(place, number)
    context = place.context(
        "estimation",
        run=run,
        in_flight=_in_flight(run),
        can_resume=run.can_be_resumed and run.endpoint_id is not None,
        strategy=STRATEGIES.get(run.strategy, (None, None))[0],
    )
    if run.has_ended or run.status == JobStatus.PAUSED:
        context["results"] = _results(run)
    return render(request, "estimation/_run.html" if request.htmx else "estimation/run.html", context)


def _results(run: EstimationRun) -> dict[str, object]:
    """The figures and plots of the results so far."""
    derived = 0
    if run.strategy == Tree.name:
        # Solutions that the run derived are newer than those that it began with.
        derived = SolutionEstimate.objects.filter(run=run, solution_id__gt=run.last_item).count()
    return {
        **estimation_runs.distributions(run),
        **_comparison(run),
        "min_solutions": MIN_SOLUTIONS,
        "hard_label_errors": estimation_runs.hard_label_errors(int(run.options.get("rollouts") or 8)),
        "rates": (estimation_runs.GOOD_CHANCES, estimation_runs.LUCKY_CHANCES),
        "derived": derived,
        "unsure": estimation_runs.unsure_count(run),
        "failures": SolutionEstimate.objects.filter(run=run).exclude(failure="").order_by("id")[:SHOWN_FAILURES],
    }


def _comparison(run: EstimationRun) -> dict[str, object]:
    """How the results compare with gold and people, as a worker has computed it; empty before."""
    compared = estimation_runs.stored_comparison(run)
    if compared is None:
        return {}
    people = compared.people
    return {
        "compared_at": compared.at,
        "reliability": compared.reliability,
        "people": people,
        "people_header": ["Rollouts", "people: not bad", "people: bad"],
        "people_rows": [
            ["reach the answer", people.good_good, people.good_bad],
            ["do not", people.bad_good, people.bad_bad],
        ],
        "agreement": Cell(people.agreement, is_share=True, n=people.solutions),
        "rollout_success": compared.rollout_success,
    }


def _in_flight(run: EstimationRun) -> int | None:
    """The run's requests in flight; None if it is not running or Redis does not respond."""
    if run.status != JobStatus.RUNNING or run.endpoint_id is None:
        return None
    try:
        return in_flight(Redis.from_url(settings.REDIS_URL), run.endpoint_id)
    except RedisError:
        return None


def run_of(place: Place, number: int) -> EstimationRun:
    runs = EstimationRun.objects.select_related("endpoint", "created_by", "project")
    return get_object_or_404(runs, project=place.project, number=number)


@login_required
@require_POST
def change(request: AuthenticatedRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Pause, resume or cancel."""
    place = place_for(request.user, slug, "estimate")
    ACTIONS[act](run=run_of(place, number), actor=request.user)
    return redirect("run", slug, number)


ACTIONS: dict[str, Callable[..., EstimationRun]] = {"pause": pause_run, "resume": resume_run, "cancel": cancel_run}
