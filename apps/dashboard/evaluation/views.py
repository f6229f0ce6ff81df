"""Evaluations: the newest of each kind, a new one, and each with its plots, tables and files."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.http.ids import parse_id
from apps.core.jobs.model import JobStatus
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, evaluation_of, place_for
from apps.dashboard.csv_files import csv_response
from apps.dashboard.evaluation.forms import EvaluationForm
from apps.dashboard.evaluation.queries import running, sections, shown
from apps.dashboard.evaluation.tables import TABLES
from apps.dashboard.pagination import page_of
from apps.evaluation.models import Evaluation
from apps.evaluation.services import cancel_evaluation, create_evaluation
from apps.evaluation.sources.scorers import scorer_names


@login_required
@require_GET
def evaluations(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    earlier = Evaluation.objects.filter(project=place.project).select_related("requested_by").defer("result")
    context = place.context(
        "evaluation",
        sections=sections(place),
        running=running(place),
        page=page_of(earlier, request.GET, size=20, newest_first=True),
    )
    return render(request, "evaluation/overview.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_evaluation(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    form = EvaluationForm(
        request.POST or None,
        scorers=scorer_names(place.project),
        sources=facets_of(place.project).sources,
        initial=_initial(request, place),
    )
    evaluation = form.run(
        lambda data: create_evaluation(
            project=place.project, kind=data["kind"], options=form.options, requested_by=request.user
        )
    )
    if evaluation is not None:
        return redirect("evaluation-detail", slug, evaluation.pk)
    context = place.context("evaluation", form=form)
    return render(request, "evaluation/new.html", context, status=422 if form.errors else 200)


def _initial(request: AuthenticatedRequest, place: Place) -> dict[str, Any]:
    """The kind that `?kind=` names, or the settings of the evaluation that `?like=ID` names."""
    like = parse_id(request.GET.get("like", ""))
    if like is not None:
        earlier = evaluation_of(place, like)
        return {**earlier.options, "kind": earlier.kind}
    return {"kind": request.GET["kind"]} if "kind" in request.GET else {}


@login_required
@require_GET
def evaluation(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The progress of an evaluation and its result; htmx polls the fragment."""
    place = place_for(request.user, slug, "evaluate")
    evaluation = evaluation_of(place, pk)
    result = shown(place, evaluation) if evaluation.status == JobStatus.FINISHED else None
    options = [(name.replace("_", " "), value) for name, value in evaluation.options.items() if value not in ("", None)]
    context = place.context("evaluation", evaluation=evaluation, shown=result, options=options)
    return render(request, "evaluation/_evaluation.html" if request.htmx else "evaluation/detail.html", context)


@login_required
@require_POST
def cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    cancel_evaluation(evaluation=evaluation_of(place, pk), actor=request.user)
    return redirect("evaluation-detail", slug, pk)


@login_required
@require_GET
def table(request: AuthenticatedRequest, slug: str, pk: int, name: str) -> StreamingHttpResponse:
    place = place_for(request.user, slug, "evaluate")
    evaluation = evaluation_of(place, pk)
    if evaluation.status != JobStatus.FINISHED or name not in TABLES[evaluation.kind]:
        raise Http404("No such table.")
    rows = shown(place, evaluation).tables[name.replace("-", "_")].flat()
    return csv_response(rows, f"{slug}-evaluation-{pk}-{name}")
