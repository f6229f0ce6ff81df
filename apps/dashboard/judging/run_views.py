"""Judge runs: forecast, start, follow, pause, resume, cancel, and what their verdicts say in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.core.jobs.model import JobStatus
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, place_for
from apps.dashboard.judging.forms import OPTIONS, USUAL_KIND, NewJudgeRunForm, ResumeForm, key_of
from apps.inference.models import Endpoint
from apps.judging.distributions import distributions_of
from apps.judging.judges import draft_judge, save_judge
from apps.judging.kinds import KINDS
from apps.judging.models import ComparisonVerdict, Judge, JudgeRun, SolutionVerdict
from apps.judging.prompts import checked_prompt
from apps.judging.runs.forecast import JudgingForecast, judging_forecast
from apps.judging.runs.services import cancel_judging, pause_judging, resume_judging, start_judging

SHOWN_WITHOUT_VERDICT = 20


@login_required
@require_http_methods(["GET", "POST"])
def new_run(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "estimate")
    form = _form(request, place)
    run = form.run(lambda _: _start(request, form))
    if run is not None:
        return redirect("judge-run", slug, run.number)
    shown = _forecast(form) if request.POST else _first_forecast(place, _judge_in(request, place))
    context = place.context("judging", form=form, kinds=kind_rows(), **shown)
    return render(request, "judging/new.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _start(request: AuthenticatedRequest, form: NewJudgeRunForm) -> JudgeRun:
    """Neither the judge nor the run is stored if the other is refused."""
    judge = save_judge(created_by=request.user, **form.judge_values())
    return start_judging(judge=judge, created_by=request.user, **form.run_values())


@login_required
@require_POST
def forecast(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The expected requests, tokens, time and cost of the settings in the form; htmx asks while they are edited."""
    place = place_for(request.user, slug, "estimate")
    return render(request, "judging/_forecast.html", place.context("judging", **_forecast(_form(request, place))))


def _forecast(form: NewJudgeRunForm) -> dict[str, Any]:
    expected: JudgingForecast | None = None
    endpoint: Endpoint | None = None
    message = ""
    if form.is_valid():
        endpoint = form.cleaned_data["endpoint"]
        try:
            judge = draft_judge(**form.judge_values())
            expected = judging_forecast(judge=judge, selection=form.run_selection)
        except DomainError as error:
            message = error.message
    compares = KINDS[form.cleaned_data["kind"]].of == "comparison" if expected else False
    return {"expected": expected, "endpoint": endpoint, "error": message, "compares": compares}


def _first_forecast(place: Place, judge: Judge | None) -> dict[str, Any]:
    """Of the settings with which the form begins: a judge whose endpoint has another model by now begins its next version."""
    endpoint = judge.endpoint if judge else Endpoint.objects.usable_in(place.project).first_judge()
    if endpoint is None:
        return {"error": "Add an endpoint to see the forecast."}
    begun = (
        {name: getattr(judge, name) for name in ("kind", "name", "prompt", "options", "constitution")}
        if judge
        else {"kind": USUAL_KIND}
    )
    judge = draft_judge(project=place.project, endpoint=endpoint, **begun)
    expected = judging_forecast(judge=judge)
    return {"expected": expected, "endpoint": endpoint, "compares": judge.compares}


@login_required
@require_GET
def prompt(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The prompts of the kind, and the texts of the one that is chosen; htmx asks when either changes."""
    place = place_for(request.user, slug, "estimate")
    chosen = {name: request.GET[name] for name in ("kind", "prompt", "endpoint") if name in request.GET}
    form = NewJudgeRunForm(project=place.project, sources=[], initial=chosen)
    response = render(request, "judging/_prompt.html", place.context("judging", form=form))
    # The forecast is of the texts that are in the form now.
    response["HX-Trigger-After-Swap"] = "prompt-changed"
    return response


def kind_rows() -> list[dict[str, str]]:
    """Not the classes themselves: a template calls what can be called."""
    return [{"name": kind.name, "title": kind.title, "about": kind.about} for kind in KINDS.values()]


def _form(request: AuthenticatedRequest, place: Place) -> NewJudgeRunForm:
    judge = _judge_in(request, place)
    return NewJudgeRunForm(
        request.POST or None,
        project=place.project,
        sources=facets_of(place.project).sources,
        initial=initial_of(judge) if judge else {},
    )


def _judge_in(request: AuthenticatedRequest, place: Place) -> Judge | None:
    """The judge that `?judge=ID` names, whose settings the form begins with."""
    pk = parse_id(request.GET.get("judge", ""))
    judges = Judge.objects.filter(project=place.project).exclude(kind__in=["", Judge.Kind.CHORUS])
    return judges.filter(pk=pk).first() if pk is not None else None


def initial_of(judge: Judge) -> dict[str, Any]:
    options = {name: judge.options[name] for name in OPTIONS if judge.options.get(name) is not None}
    return {
        "name": judge.name,
        "endpoint": judge.endpoint_id,
        "kind": judge.kind,
        "prompt": key_of(checked_prompt(judge.prompt)),
        "constitution": judge.constitution_id,
    } | options


# --- one run ----------------------------------------------------------------------------------------------


@login_required
@require_GET
def run(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """The progress of a judge run; htmx polls the fragment. Plots follow once it has paused or ended."""
    place = place_for(request.user, slug, "browse")
    run = judge_run_of(place, number)
    context = _context(place, run, ResumeForm(initial=run.budget))
    return render(request, "judging/_run.html" if request.htmx else "judging/run.html", context)


def _context(place: Place, run: JudgeRun, form: ResumeForm) -> dict[str, Any]:
    judge = run.judge
    context = place.context(
        "judging",
        run=run,
        judge=judge,
        decided=run.verdicts - run.undecided,
        prompt=checked_prompt(run.prompt) if run.prompt else None,
        options=[(_words(name), value) for name, value in (judge.options | run.options).items() if value is not None],
        budget=[(name, value) for name, value in run.budget.items() if value],
        resume_form=form,
        can_resume=run.can_be_resumed and run.endpoint_id is not None,
    )
    if not run.origin and (run.has_ended or run.status == JobStatus.PAUSED):
        rows = without_verdict(run)
        context |= {"distributions": distributions_of(run), "without": rows.order_by("pk")[:SHOWN_WITHOUT_VERDICT]}
    return context


def _words(name: str) -> str:
    return name.replace("_", " ")


def without_verdict(run: JudgeRun) -> Any:
    """The run's results that are no verdict, as a queryset."""
    results = ComparisonVerdict.objects if run.judge.compares else SolutionVerdict.objects
    return results.filter(run=run).exclude(outcome="verdict")


def judge_run_of(place: Place, number: int) -> JudgeRun:
    runs = JudgeRun.objects.select_related("judge__constitution", "endpoint", "created_by", "project")
    return get_object_or_404(runs, project=place.project, number=number)


@login_required
@require_POST
def change(request: AuthenticatedRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Pause or cancel."""
    place = place_for(request.user, slug, "estimate")
    ACTIONS[act](run=judge_run_of(place, number), actor=request.user)
    return redirect("judge-run", slug, number)


ACTIONS: dict[str, Callable[..., JudgeRun]] = {"pause": pause_judging, "cancel": cancel_judging}


@login_required
@require_POST
def resume(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """Resume the run with the budget of the form; limits that the form does not have stay."""
    place = place_for(request.user, slug, "estimate")
    run = judge_run_of(place, number)
    form = ResumeForm(request.POST)
    sent = [name for name in form.fields if name in request.POST]
    if not form.is_valid():
        return render(request, "judging/run.html", _context(place, run, form), status=422)
    budget = run.budget | {name: form.cleaned_data[name] or None for name in sent}
    resume_judging(run=run, actor=request.user, budget=budget)
    return redirect("judge-run", slug, number)
