"""The review queues: disputes by kind, and actions on many solutions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.dashboard.access import Place, place_for
from apps.dashboard.pagination import page_of
from apps.dashboard.review.forms import QueueForm, filters_in, narrowing_of, selected_ids
from apps.dashboard.solutions.queries import with_sources
from apps.quality.models import OpenDispute
from apps.quality.review.adjudication import adjudicate_consensus, make_gold
from apps.quality.review.impartiality import allows_self_review, barred_from, own_assignments
from apps.quality.review.queues import ADJUDICATED, KINDS, QUEUES, counts_of, queue_of
from apps.quality.review.reports import count_open_reports

SIZE = 25
COUNTED_TO = 1000


@login_required
@require_GET
def review(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    counts = counts_of(place.project)
    context = place.context(
        "review",
        kinds=[(kind, counts[name]) for name, kind in KINDS.items()],
        reported=count_open_reports([place.project]).get(place.project.pk, 0),
    )
    return render(request, "review/review.html", context)


@login_required
@require_GET
def queue(request: AuthenticatedRequest, slug: str, kind: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    _check_kind(kind)
    filters = filters_in(request.GET)
    rows = queue_of(place.project, kind, narrowing_of(place, filters), reviewer=request.user)
    rows = rows.select_related("solution__problem").defer("solution__extras")
    page = page_of(rows, request.GET, size=SIZE, by="solution_id")
    context = place.context(
        ADJUDICATED if kind == ADJUDICATED else "review",
        kind=QUEUES[kind],
        count=counts_of(place.project).get(kind),
        own=_count_own(place, kind),
        barred=barred_from(request.user, place.project, [row.solution_id for row in page.rows]),
        form=QueueForm(request.GET, place=place),
        page=page,
        solutions=with_sources(row.solution for row in page.rows),
        is_filtered=bool(filters),
        filters=urlencode(filters),
        queue_query="?" + urlencode({"queue": kind} | filters),
        new_round=_new_round_url(place, kind, filters),
    )
    return render(request, "review/queue.html", context)


def _check_kind(kind: str) -> None:
    if kind not in QUEUES:
        raise Http404("No such queue.")


def _count_own(place: Place, kind: str) -> int:
    """How many solutions of the queue the reviewer labeled, which are left to other reviewers."""
    if kind == ADJUDICATED or allows_self_review(place.project.pk):
        return 0
    own = own_assignments(place.membership.user)
    on_task = Q(
        solution__in=own.filter(round__project=place.project, task__solution__isnull=False).values("task__solution")
    )
    derived = own.filter(round__project=place.project, derived_solution__isnull=False)
    written = Q(solution__in=derived.values("derived_solution"))
    rows = OpenDispute.objects.filter(on_task | written, project=place.project, kind=kind)
    return rows[: COUNTED_TO + 1].count()


def _new_round_url(place: Place, kind: str, filters: Mapping[str, str]) -> str:
    """The form for a round over these solutions, with its selection filled in; empty if the user may not open one."""
    if not place.may("manage_rounds") or kind == ADJUDICATED:
        return ""
    selection = {"dispute": kind} | {name: filters[name] for name in ("source", "subject") if name in filters}
    return reverse("round-new", args=[place.project.slug]) + "?" + urlencode(selection)


# --- actions on the selected solutions --------------------------------------------------------------------


@login_required
@require_POST
def act_on_selected(request: AuthenticatedRequest, slug: str, kind: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    _check_kind(kind)
    act = request.POST.get("act", "")
    if act not in ACTIONS:
        raise DomainError("Unknown action.", fields={"act": f"must be one of {', '.join(ACTIONS)}"})
    ids = selected_ids(request.POST, "solution")
    solutions = list(Solution.objects.filter(project=place.project, pk__in=ids).order_by("pk"))
    messages.success(request, ACTIONS[act](solutions, request.user))
    return redirect(f"{reverse('review-queue', args=[slug, kind])}?{request.GET.urlencode()}")


def _accept_consensus(solutions: Sequence[Solution], by: User) -> str:
    count = adjudicate_consensus(solutions=solutions, by=by, note="as the consensus has it")
    rest = len(solutions) - count
    return f"{count} adjudicated." + (f" {rest} skipped: their consensus has no first error." if rest else "")


def _make_gold(solutions: Sequence[Solution], by: User) -> str:
    count = make_gold(solutions=solutions, by=by)
    rest = len(solutions) - count
    return f"{count} made gold." + (f" {rest} skipped: not adjudicated yet." if rest else "")


ACTIONS: dict[str, Callable[[Sequence[Solution], User], str]] = {
    "accept_consensus": _accept_consensus,
    "gold": _make_gold,
}
