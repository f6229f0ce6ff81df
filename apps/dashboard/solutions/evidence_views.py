"""The page of one solution: the labels of every source, the consensus, and a reviewer's adjudication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.corpus.models import Solution, Step
from apps.dashboard.access import Place, place_for, solution_of
from apps.dashboard.review.forms import filters_in, narrowing_of
from apps.dashboard.solutions.evidence import comparisons_of, evidence_for, naming_of, rollouts_of
from apps.judging.latest import newest_solution_verdicts
from apps.quality.models import AlsoAcceptable, StaleSolution
from apps.quality.review.adjudication import (
    adjudicate_solution,
    adjudicate_step,
    also_accept,
    explain_gold,
    make_gold,
    withdraw_adjudication,
)
from apps.quality.review.evidence import Evidence
from apps.quality.review.history import history_of, past_submissions_of, return_notes_in
from apps.quality.review.impartiality import barred_from
from apps.quality.review.queues import QUEUES, counts_of, neighbours, queue_of

LONGEST_NOTE = 2000
SHOWN_SOLUTIONS = 20
RATINGS = {"bad": -1, "okay": 0, "great": 1, "withdraw": None}


@login_required
@require_GET
def solution(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    solution = _solution(place, pk)
    shown = _consensus_context(place, solution)
    # While people label it blindly, nothing that models say of it is shown.
    is_hidden = bool(shown["evidence"].hidden_in)
    of_problem = Solution.objects.written().filter(problem=solution.problem).exclude(pk=pk)
    context = place.context(
        "review" if "queue" in request.GET else "solutions",
        rollouts=None if is_hidden else rollouts_of(solution, request.GET),
        comparisons=[] if is_hidden else comparisons_of(solution),
        judged=[] if is_hidden else newest_solution_verdicts(solution.pk),
        other_solutions=of_problem.order_by("pk")[:SHOWN_SOLUTIONS],
        **shown,
        **_navigation(place, solution, request.GET),
    )
    return render(request, "solutions/solution.html", context)


@login_required
@require_GET
def consensus(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The parts of the page that an adjudication changes; the page polls them while a worker computes the consensus."""
    place = place_for(request.user, slug, "browse")
    context = place.context("review", **_consensus_context(place, _solution(place, pk)))
    return render(request, "solutions/_consensus_update.html", context)


@login_required
@require_POST
def adjudicate(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """One action on the step that the form names, or on the whole solution."""
    place = place_for(request.user, slug, "review")
    solution = _solution(place, pk)
    act, step_id = request.POST.get("act", ""), parse_id(request.POST.get("step", ""))
    if step_id is None:
        raise DomainError("Select a step.", fields={"step": "required"})
    step = get_object_or_404(Step, solution=solution, pk=step_id)
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    if act in RATINGS:
        outcome = _rate(step, act, request.user, note)
    elif act in ACTIONS:
        outcome = ACTIONS[act](solution, step, request.user, note)
    else:
        raise DomainError("Unknown action.", fields={"act": f"must be one of {', '.join((*RATINGS, *ACTIONS))}"})
    if not request.htmx:
        return redirect(f"{reverse('solution', args=[slug, pk])}?{request.GET.urlencode()}")
    context = place.context("review", outcome=outcome, **_consensus_context(place, solution))
    return render(request, "solutions/_consensus_update.html", context)


def _solution(place: Place, pk: int) -> Solution:
    solution = solution_of(place, pk)
    solution.project = solution.problem.project = place.project
    return solution


def _consensus_context(place: Place, solution: Solution) -> dict[str, Any]:
    evidence: Evidence = evidence_for(place, solution)
    past = past_submissions_of(evidence)
    return {
        "solution": solution,
        "problem": solution.problem,
        "evidence": evidence,
        "history": history_of(solution, evidence, naming_of(place)),
        "past": past,
        "return_notes_of": return_notes_in(evidence, past),
        "is_barred": bool(barred_from(place.membership.user, place.project, [solution.pk])),
        "is_pending": StaleSolution.objects.filter(solution=solution).exists(),
    }


def _navigation(place: Place, solution: Solution, params: QueryDict) -> dict[str, Any]:
    """The previous and the next solution: in the queue that `?queue=KIND` names, else in the project."""
    kind = params.get("queue", "")
    if kind not in QUEUES:
        ids = Solution.objects.filter(project=place.project).values_list("pk", flat=True)
        earlier, later = ids.filter(pk__lt=solution.pk).order_by("-pk"), ids.filter(pk__gt=solution.pk).order_by("pk")
        return {"previous": earlier.first(), "next": later.first(), "queue_query": ""}
    filters = filters_in(params)
    queue = queue_of(place.project, kind, narrowing_of(place, filters), reviewer=place.membership.user)
    previous, next_ = neighbours(queue, solution.pk)
    return {
        "previous": previous,
        "next": next_,
        "queue": QUEUES[kind],
        "queue_count": counts_of(place.project).get(kind),
        "queue_filters": urlencode(filters),
        "queue_query": "?" + urlencode({"queue": kind} | filters),
    }


# --- actions: each returns a sentence for the reviewer ----------------------------------------------------


def _rate(step: Step, name: str, by: User, note: str) -> str:
    adjudicate_step(step=step, rating=RATINGS[name], by=by, note=note)
    number = step.position + 1
    return f"Rating of step {number} withdrawn." if name == "withdraw" else f"Step {number} rated {name}."


def _first_error(solution: Solution, step: Step, by: User, note: str) -> str:
    adjudicate_solution(solution=solution, first_error=step.position, by=by, note=note)
    return f"Adjudicated: step {step.position + 1} is the first error."


def _no_error(solution: Solution, step: Step, by: User, note: str) -> str:
    adjudicate_solution(solution=solution, first_error=-1, by=by, note=note)
    return "Adjudicated: no step is bad."


def _withdraw_all(solution: Solution, step: Step, by: User, note: str) -> str:
    is_withdrawn = withdraw_adjudication(solution=solution, by=by)
    return "All adjudicated ratings withdrawn." if is_withdrawn else "There is no rating to withdraw."


def _gold(solution: Solution, step: Step, by: User, note: str) -> str:
    if not make_gold(solutions=[solution], by=by):
        raise DomainError("Adjudicate the solution first.", fields={"act": "only adjudicated labels can become gold"})
    return "Adjudicated labels made gold."


def _explain(solution: Solution, step: Step, by: User, note: str) -> str:
    explain_gold(solution=solution, explanations={step.position: note}, by=by)
    return f"Explanation of the gold of step {step.position + 1} {'saved' if note.strip() else 'removed'}."


def _also_accept(solution: Solution, step: Step, by: User, note: str) -> str:
    rows = AlsoAcceptable.objects.filter(pk=solution.pk)
    accepted = set(rows.values_list("first_errors", flat=True).first() or []) ^ {step.position}
    also_accept(solution=solution, first_errors=sorted(accepted), by=by)
    verb = "also accepts" if step.position in accepted else "no longer accepts"
    return f"Gold {verb} step {step.position + 1} as the first error."


ACTIONS: dict[str, Callable[[Solution, Step, User, str], str]] = {
    "first_error": _first_error,
    "no_error": _no_error,
    "withdraw_all": _withdraw_all,
    "gold": _gold,
    "explain": _explain,
    "also_accept": _also_accept,
}
