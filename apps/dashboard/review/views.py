"""What waits for reviewers: disputes by kind, a queue of each, and acts on many solutions at once."""

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
from apps.dashboard.review.forms import QueueForm, asked_of, narrowing_of
from apps.dashboard.solutions.queries import with_sources
from apps.quality.models import OpenDispute
from apps.quality.review.adjudication import adjudicate_consensus, make_gold
from apps.quality.review.impartiality import allows_self_review, barred_from, own_assignments
from apps.quality.review.queues import KINDS, QUEUES, SETTLED, QueueKind, counts_of, queue_of
from apps.quality.review.reports import count_open_reports

SIZE = 25
AT_ONCE = 200
COUNTED_TO = 1000


@login_required
@require_GET
def review(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    counts = counts_of(place.project)
    context = place.context(
        "review",
        kinds=[(kind, counts[name]) for name, kind in KINDS.items()],
        settled=QUEUES[SETTLED],
        reported=count_open_reports([place.project]).get(place.project.pk, 0),
    )
    return render(request, "review/review.html", context)


@login_required
@require_GET
def queue(request: AuthenticatedRequest, slug: str, kind: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    wanted, asked = _kind(kind), asked_of(request.GET)
    narrowing, user = narrowing_of(place, asked), place.membership.user
    rows = queue_of(place.project, kind, narrowing, reviewer=user).select_related("solution__problem")
    page = page_of(rows.defer("solution__extras"), request.GET, size=SIZE, by="solution_id")
    context = place.context(
        "review",
        kind=wanted,
        count=counts_of(place.project).get(kind),
        own=_own(place, kind),
        sides=barred_from(user, place.project, [row.solution_id for row in page.rows]),
        form=QueueForm(request.GET, place=place),
        page=page,
        solutions=with_sources(row.solution for row in page.rows),
        is_filtered=bool(asked),
        filters=urlencode(asked),
        way="?" + urlencode({"queue": kind} | asked),
        new_round=_new_round(place, kind, asked),
    )
    return render(request, "review/queue.html", context)


def _own(place: Place, kind: str) -> int:
    """How many of the queue the reviewer labeled, so that they are left to others."""
    if kind == SETTLED or allows_self_review(place.project.pk):
        return 0
    own = own_assignments(place.membership.user)
    on_task = Q(
        solution__in=own.filter(round__project=place.project, task__solution__isnull=False).values("task__solution")
    )
    written = Q(solution__in=own.filter(round__project=place.project, grown__isnull=False).values("grown"))
    rows = OpenDispute.objects.filter(on_task | written, project=place.project, kind=kind)
    return rows[: COUNTED_TO + 1].count()


def _kind(name: str) -> QueueKind:
    if name not in QUEUES:
        raise Http404("No such queue.")
    return QUEUES[name]


def _new_round(place: Place, kind: str, asked: Mapping[str, str]) -> str:
    """Where these are sent to people again: as a round's selection says it, for whoever may open one."""
    if not place.may("manage_rounds") or kind == SETTLED:
        return ""
    terms = {name: value for name, value in asked.items() if name in ("source", "subject")}
    return reverse("round-new", args=[place.project.slug]) + "?" + urlencode({"dispute": kind} | terms)


# --- many at once -----------------------------------------------------------------------------------------


@login_required
@require_POST
def together(request: AuthenticatedRequest, slug: str, kind: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    _kind(kind)
    act = request.POST.get("act", "")
    if act not in _TOGETHER:
        raise DomainError(f"Unknown: {act}.", fields={"act": f"one of {', '.join(_TOGETHER)}"})
    chosen = _chosen(place, request.POST.getlist("solution"))
    messages.success(request, _TOGETHER[act](chosen, request.user))
    return redirect(f"{reverse('review-queue', args=[slug, kind])}?{request.GET.urlencode()}")


def _chosen(place: Place, ids: Sequence[str]) -> list[Solution]:
    if not ids:
        raise DomainError("Choose solutions first.", fields={"solution": "none"})
    if len(ids) > AT_ONCE or not all(one.isdecimal() and len(one) < 18 for one in ids):
        raise DomainError(f"Choose up to {AT_ONCE} solutions.", fields={"solution": "too many, or no solutions"})
    return list(Solution.objects.filter(project=place.project, pk__in=[int(one) for one in ids]).order_by("pk"))


def _as_it_stands(chosen: Sequence[Solution], by: User) -> str:
    count = adjudicate_consensus(solutions=chosen, by=by, note="as the consensus has it")
    rest = len(chosen) - count
    return f"{count} settled as they stand." + (f" Of {rest} no first error stands: look at them." if rest else "")


def _gold(chosen: Sequence[Solution], by: User) -> str:
    count = make_gold(solutions=chosen, by=by)
    rest = len(chosen) - count
    return f"{count} are gold now." + (f" {rest} are settled by nobody yet." if rest else "")


_TOGETHER: dict[str, Callable[[Sequence[Solution], User], str]] = {"as_it_stands": _as_it_stands, "gold": _gold}
