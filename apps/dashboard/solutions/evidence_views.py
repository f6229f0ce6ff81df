"""One solution with all that is said of it, and the reviewer's word on it."""

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
from apps.corpus.models import Solution, Step
from apps.dashboard.access import Place, place_for, solution_of
from apps.dashboard.review.forms import asked_of, narrowing_of
from apps.dashboard.solutions.evidence import contests_of, evidence_for, naming_of, rollouts_of
from apps.quality.models import Stale
from apps.quality.review.adjudication import adjudicate_solution, adjudicate_step, also_accept, make_gold, take_back
from apps.quality.review.evidence import Evidence
from apps.quality.review.history import history_of, past_of
from apps.quality.review.impartiality import barred_from
from apps.quality.review.queues import QUEUES, counts_of, neighbours, queue_of

LONGEST_NOTE = 2000
RATINGS = {"bad": -1, "okay": 0, "great": 1, "back": None}


@login_required
@require_GET
def solution(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    found = _found(place, pk)
    evidence = evidence_for(place, found)
    context = place.context(
        "review" if "queue" in request.GET else "solutions",
        rollouts=rollouts_of(found, request.GET),
        contests=contests_of(found),
        siblings=Solution.objects.written().filter(problem=found.problem).exclude(pk=pk).order_by("pk")[:20],
        **_standing(place, found, evidence),
        **_way(place, found, request.GET),
    )
    return render(request, "solutions/solution.html", context)


@login_required
@require_GET
def standing(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """Only the parts that a reviewer's word changes: asked for while a worker has not yet looked at it again."""
    place = place_for(request.user, slug, "browse")
    found = _found(place, pk)
    return render(request, "solutions/_consensus_update.html", place.context("review", **_standing(place, found)))


@login_required
@require_POST
def settle(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """One act on the step that the form names, or on the whole solution."""
    place = place_for(request.user, slug, "review")
    found = _found(place, pk)
    act, step = request.POST.get("act", ""), _step(found, request.POST.get("step", ""))
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    said = _act(act)(found, step, request.user, note)
    if not request.htmx:
        return redirect(f"{reverse('solution', args=[slug, pk])}?{request.GET.urlencode()}")
    context = place.context("review", said=said, **_standing(place, found))
    return render(request, "solutions/_consensus_update.html", context)


def _found(place: Place, pk: int) -> Solution:
    found = solution_of(place, pk)
    found.project = found.problem.project = place.project
    return found


def _standing(place: Place, found: Solution, evidence: Evidence | None = None) -> dict[str, Any]:
    evidence = evidence or evidence_for(place, found)
    return {
        "solution": found,
        "problem": found.problem,
        "evidence": evidence,
        "history": history_of(found, evidence, naming_of(place)),
        "past": past_of(evidence),
        "is_side": bool(barred_from(place.membership.user, place.project, [found.pk])),
        "is_pending": Stale.objects.filter(solution=found).exists(),
    }


def _way(place: Place, found: Solution, asked: QueryDict) -> dict[str, Any]:
    """Previous and next: in the queue that the reviewer came from, else among all solutions."""
    kind = asked.get("queue", "")
    if kind not in QUEUES:
        ids = Solution.objects.filter(project=place.project).values_list("pk", flat=True)
        before, behind = ids.filter(pk__lt=found.pk).order_by("-pk"), ids.filter(pk__gt=found.pk).order_by("pk")
        return {"previous": before.first(), "next": behind.first(), "way": ""}
    filters = asked_of(asked)
    previous, next_ = neighbours(
        queue_of(place.project, kind, narrowing_of(place, filters), reviewer=place.membership.user), found.pk
    )
    return {
        "previous": previous,
        "next": next_,
        "queue": QUEUES[kind],
        "queue_count": counts_of(place.project).get(kind),
        "queue_filters": urlencode(filters),
        "way": "?" + urlencode({"queue": kind} | filters),
    }


# --- acts -------------------------------------------------------------------------------------------------

Act = Callable[[Solution, Step, User, str], str]


def _step(found: Solution, text: str) -> Step:
    if not (text.isdecimal() and len(text) < 18):
        raise DomainError("Name a step.", fields={"step": "missing"})
    return get_object_or_404(Step, solution=found, pk=int(text))


def _act(name: str) -> Act:
    if name in RATINGS:
        return lambda found, step, by, note: _rate(step, name, by, note)
    if name not in _ACTS:
        raise DomainError(f"Unknown: {name}.", fields={"act": f"one of {', '.join((*RATINGS, *_ACTS))}"})
    return _ACTS[name]


def _rate(step: Step, name: str, by: User, note: str) -> str:
    adjudicate_step(step=step, rating=RATINGS[name], by=by, note=note)
    where = f"Step {step.position + 1}"
    return f"{where} is {name}." if name != "back" else f"Your word on step {step.position + 1} is taken back."


def _first_error(found: Solution, step: Step, by: User, note: str) -> str:
    adjudicate_solution(solution=found, first_error=step.position, by=by, note=note)
    return f"Settled: step {step.position + 1} is the first error."


def _no_error(found: Solution, step: Step, by: User, note: str) -> str:
    adjudicate_solution(solution=found, first_error=-1, by=by, note=note)
    return "Settled: no step is bad."


def _all_back(found: Solution, step: Step, by: User, note: str) -> str:
    return "All words are taken back." if take_back(solution=found, by=by) else "There is no word to take back."


def _gold(found: Solution, step: Step, by: User, note: str) -> str:
    if not make_gold(solutions=[found], by=by):
        raise DomainError("Settle it first: only a reviewer's word becomes gold.", fields={"act": "nothing is settled"})
    return "What is settled is gold now."


def _also(found: Solution, step: Step, by: User, note: str) -> str:
    from apps.quality.models import AlsoAcceptable

    stood = AlsoAcceptable.objects.filter(pk=found.pk).values_list("first_errors", flat=True).first() or []
    wanted = set(stood) ^ {step.position}
    also_accept(solution=found, first_errors=sorted(wanted), by=by)
    word = "also takes" if step.position in wanted else "no longer takes"
    return f"Gold {word} step {step.position + 1} for the first error."


_ACTS: dict[str, Act] = {
    "first_error": _first_error,
    "no_error": _no_error,
    "all_back": _all_back,
    "gold": _gold,
    "also": _also,
}
