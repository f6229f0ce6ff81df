"""Cascades: plan, follow the blind round, choose tau, apply, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.dashboard.access import Place, place_for
from apps.dashboard.templatetags.numbers import cost
from apps.dashboard.trust.forms import CascadeForm
from apps.labeling.rounds.plan import selectable_solutions
from apps.quality.cascade.services import (
    apply_cascade,
    decide_cascade,
    left_to_people,
    plan_cascade,
    usual_people_cost,
    void_reason,
    withdraw_cascade,
)
from apps.quality.cascade.threshold import sample_forgiving
from apps.quality.models import Cascade
from apps.quality.trust.sample_state import state_of

DELTA = 0.05
SHOWN_CASCADES = 50
FORGIVEN = (0, 1, 2, 3)
ACTS: dict[str, tuple[Callable[..., Cascade], str]] = {
    "decide": (decide_cascade, "The choice is made."),
    "apply": (apply_cascade, "The machine labels stand."),
    "withdraw": (withdraw_cascade, "The machine labels do not stand any more."),
}


@login_required
@require_GET
def cascades(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    rows = Cascade.objects.filter(project=place.project).select_related("estimation_run", "sample__round")
    return render(request, "trust/cascades.html", place.context("cascades", cascades=rows[:SHOWN_CASCADES]))


@login_required
@require_http_methods(["GET", "POST"])
def new_cascade(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    form = CascadeForm(request.POST or None, project=place.project)
    cascade = form.run(
        lambda _: plan_cascade(project=place.project, actor=request.user, delta=DELTA, **form.arguments())
    )
    if cascade is not None:
        messages.success(request, "The plan is frozen, and its blind round is open.")
        return redirect("cascade", slug, cascade.number)
    return render(request, "trust/cascade_new.html", _plan_context(place, form), status=422 if form.errors else 200)


@login_required
@require_GET
def size_hint(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """How many sampled solutions pass with how many errors, for the share in the form; htmx asks while it is edited."""
    place = place_for(request.user, slug, "manage_rounds")
    return render(
        request, "trust/_size_hint.html", _plan_context(place, CascadeForm(request.GET, project=place.project))
    )


def _plan_context(place: Place, form: CascadeForm) -> dict[str, Any]:
    form.is_valid()
    alpha = getattr(form, "cleaned_data", {}).get("alpha") or form.fields["alpha"].initial
    sizes = [(errors, sample_forgiving(errors, alpha / 100, DELTA)) for errors in FORGIVEN]
    estimation_run, judge_runs = form.fields["estimation_run"], form.fields["judge_runs"]
    usual_cost = usual_people_cost(place.project, 1)
    form.fields["people_cost"].widget.attrs["placeholder"] = cost(usual_cost)
    return place.context(
        "cascades",
        form=form,
        alpha=alpha,
        sizes=sizes,
        pool=selectable_solutions(place.project).count(),
        has_runs=estimation_run.queryset.exists() and judge_runs.queryset.exists(),  # type: ignore[attr-defined]
        usual_cost=usual_cost,
    )


@login_required
@require_GET
def cascade(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "evaluate")
    cascade = _cascade(place, number)
    runs = list(cascade.judge_runs.select_related("judge").order_by("pk"))
    context = place.context(
        "cascades",
        cascade=cascade,
        judge_runs=runs,
        confidence=1 - cascade.delta,
        left=_left_to_people(cascade),
        void=void_reason(cascade),
        state=state_of(cascade.sample, [run.judge for run in runs]),
    )
    return render(request, "trust/cascade.html", context)


def _left_to_people(cascade: Cascade) -> int:
    """How many solutions neither machines label nor people have labeled blindly; 0 before the choice."""
    if cascade.chosen_at is None:
        return 0
    solutions = Solution.objects.filter(project=cascade.project)
    return left_to_people(solutions, str(cascade.number)).count()


@login_required
@require_POST
def change(request: AuthenticatedRequest, slug: str, number: int, act: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    service, message = ACTS[act]
    try:
        service(cascade=_cascade(place, number), actor=request.user)
        messages.success(request, message)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("cascade", slug, number)


def _cascade(place: Place, number: int) -> Cascade:
    cascades = Cascade.objects.select_related("project", "estimation_run", "sample__round", "created_by")
    return get_object_or_404(cascades, project=place.project, number=number)
