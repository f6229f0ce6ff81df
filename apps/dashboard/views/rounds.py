"""Rounds of labeling: opened, watched, paused and closed."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.requests import AuthenticatedRequest
from apps.dashboard.access import Place, place_for, round_of
from apps.dashboard.browsing import facets_of
from apps.dashboard.evidence import labeler_names
from apps.dashboard.forms.rounds import NewRoundForm, SelectionForm
from apps.dashboard.overview import Work, submissions_by_day, work_for
from apps.labeling.models import Assignment, Round, Seat
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.returning import returned_to
from apps.labeling.selection import Selection
from apps.labeling.services import askable, open_round, set_round_status

COUNTED_TO = 100_000
LATEST = 200
SHOWN_REASONS = 50
LEFT_EARLY = (Assignment.FinishReason.GIVE_UP, Assignment.FinishReason.BAD_PROBLEM)


@login_required
@require_GET
def rounds(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    work = work_for(request.user, Round.objects.filter(project=place.project))
    return render(request, "rounds/rounds.html", place.context("rounds", rounds=work))


@login_required
@require_http_methods(["GET", "POST"])
def new_round(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    # Other pages send solutions here: what a run is unsure of, what is in dispute.
    asked = {name: request.GET.get(name) for name in ("unsure", "dispute", "source", "subject")}
    form = NewRoundForm(request.POST or None, facets=facets_of(place.project), initial=asked)
    opened = form.run(lambda _: open_round(project=place.project, created_by=request.user, **form.terms()))
    if opened is not None:
        messages.success(request, f"The round is open: {opened.task_count:,} tasks.")
        return redirect("round", slug, opened.number)
    fitting = fit_for(place, SelectionForm(asked, facets=facets_of(place.project)))
    context = place.context("rounds", form=form, protocols=PROTOCOLS.values(), fit=fitting)
    return render(request, "rounds/new.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True, slots=True)
class Fit:
    """How many solutions a selection holds, and what asking people about them would take."""

    select: str
    solutions: int
    redundancy: int
    seconds_each: float | None

    @property
    def is_more(self) -> bool:
        return self.solutions > COUNTED_TO

    @property
    def turns(self) -> int:
        return self.solutions * self.redundancy

    @property
    def seconds(self) -> float | None:
        return self.turns * self.seconds_each if self.seconds_each is not None else None


def fit_for(place: Place, form: SelectionForm, redundancy: int = 1) -> Fit | None:
    if not form.is_valid():
        return None
    solutions = Selection.parse(form.select).apply(askable(place.project))
    if not solutions.query.is_sliced:
        # Nobody waits for a count of millions to choose a box.
        solutions = solutions[: COUNTED_TO + 1]
    return Fit(
        form.select,
        solutions.count(),
        redundancy,
        seconds_per_turn(Assignment.objects.filter(round__project=place.project)),
    )


@login_required
@require_GET
def fit(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """How many solutions fit what stands in the form now."""
    place = place_for(request.user, slug, "manage_rounds")
    asked = request.GET.get("redundancy", "")
    redundancy = int(asked) if asked.isdecimal() and len(asked) < 4 else 1
    found = fit_for(place, SelectionForm(request.GET, facets=facets_of(place.project)), redundancy)
    return render(request, "rounds/_fit.html", {"fit": found})


def seconds_per_turn(turns: QuerySet[Assignment]) -> float | None:
    """The median of the latest turns, for those that say how long they took."""
    latest = turns.filter(submitted_at__isnull=False, active_ms__isnull=False).order_by("-submitted_at")
    times = sorted(time for time in latest.values_list("active_ms", flat=True)[:LATEST] if time is not None)
    return times[len(times) // 2] / 1000 if times else None


@login_required
@require_GET
def round_(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    found = round_of(place, number)
    work = work_for(request.user, Round.objects.filter(pk=found.pk))[0]
    context = place.context("rounds", round=found, work=work, protocol=PROTOCOLS.get(found.protocol))
    context["returned"] = returned_to(request.user, place.project).filter(round=found)
    if place.may("browse"):
        context |= _watched(place, work)
    template = "rounds/_progress.html" if request.htmx else "rounds/round.html"
    return render(request, template, context)


def _watched(place: Place, work: Work) -> dict[str, object]:
    """What reviewers and managers see of a round."""
    round_, turns = work.round, Assignment.objects.filter(round=work.round)
    seats = list(Seat.objects.filter(round=round_).order_by("-submitted", "pk"))
    early = list(
        turns.filter(finish_reason__in=LEFT_EARLY).select_related("task").order_by("-submitted_at")[:SHOWN_REASONS]
    )
    names = labeler_names(place, {*(seat.labeler_id for seat in seats), *(turn.labeler_id for turn in early)})
    days, finishes = submissions_by_day(turns, now=timezone.now()), _finishes(round_)
    return {
        "seats": [
            (names[seat.labeler_id], seat, seat.submitted_today if seat.today == days[-1][0] else 0) for seat in seats
        ],
        "early": [(names[turn.labeler_id], turn) for turn in early],
        "finishes": finishes,
        "turns_ended": sum(count for _, _, count in finishes),
        "days": days,
        "has_days": any(count for _, count in days),
        "seconds_each": seconds_per_turn(turns),
        "days_left": _days_left(work.left, [count for _, count in days]),
    }


def _finishes(round_: Round) -> list[tuple[str, str, int]]:
    """How the turns of a round ended: reason, its words, how many."""
    ended = Assignment.objects.spoken().filter(round=round_).exclude(finish_reason="").order_by()
    counts = dict(ended.values_list("finish_reason").annotate(count=Count("id")))
    return [(reason, label, counts[reason]) for reason, label in Assignment.FinishReason.choices if reason in counts]


def _days_left(left: int, counts: list[int]) -> float | None:
    """At the pace of the last seven days."""
    week = sum(counts[-7:])
    return 7 * left / week if week and left else None


@login_required
@require_POST
def set_status(request: AuthenticatedRequest, slug: str, number: int, status: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    set_round_status(round=round_of(place, number), status=status, actor=request.user)
    return redirect("round", slug, number)
