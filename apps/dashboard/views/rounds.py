"""Rounds of labeling: drafted, looked at, opened, watched, paused and closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.requests import AuthenticatedRequest
from apps.core.errors import Conflict, DomainError
from apps.dashboard.access import Place, place_for, round_of, rounds_of
from apps.dashboard.browsing import facets_of
from apps.dashboard.forms.rounds import RoundForm, SelectionForm, initial_of
from apps.dashboard.overview import work_for
from apps.dashboard.watching import sitting_of, watched
from apps.labeling.blanks import selected_problems
from apps.labeling.models import Assignment, Round
from apps.labeling.pace import seconds_per_turn
from apps.labeling.pairing import existing_count
from apps.labeling.plan import askable
from apps.labeling.previewing import preview_of
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.labeling.returning import returned_to
from apps.labeling.selection import Selection
from apps.labeling.services import create_round, discard_draft, edit_round, set_round_status

COUNTED_TO = 100_000


@login_required
@require_GET
def rounds(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    work = work_for(request.user, rounds_of(place))
    return render(request, "rounds/rounds.html", place.context("rounds", rounds=work))


@login_required
@require_http_methods(["GET", "POST"])
def new_round(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    # Other pages send solutions here: what a run is unsure of, what is in dispute.
    sent = {name: request.GET.get(name) for name in ("unsure", "dispute", "source", "subject")}
    form = RoundForm(request.POST or None, facets=facets_of(place.project), project=place.project, initial=sent)
    drafted = form.run(lambda _: create_round(project=place.project, created_by=request.user, **form.terms()))
    if drafted is not None:
        return redirect("round", slug, drafted.number)
    asked = SelectionForm(request.POST or sent, facets=facets_of(place.project))
    return _form(request, place, form, fit_for(place, asked, of=_asked_of(request.POST)))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    found, facets = round_of(place, number), facets_of(place.project)
    if found.status != Round.Status.DRAFT:
        raise Conflict("This round has opened: its terms stand.", code="not_a_draft")
    initial = initial_of(found)
    form = RoundForm(request.POST or None, facets=facets, project=place.project, initial=initial)
    saved = form.run(lambda _: edit_round(round=found, actor=request.user, changes=form.terms()))
    if saved is not None:
        return redirect("round", slug, number)
    fitting = fit_for(
        place, SelectionForm(request.POST or initial, facets=facets), of=_asked_of(request.POST or initial)
    )
    return _form(request, place, form, fitting, round=found)


def _form(
    request: AuthenticatedRequest, place: Place, form: RoundForm, fitting: Fit | None, **more: object
) -> HttpResponse:
    context = place.context("rounds", form=form, protocols=PROTOCOLS.values(), fit=fitting, **more)
    return render(request, "rounds/new.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    discard_draft(round=round_of(place, number), actor=request.user)
    messages.success(request, "The draft is gone.")
    return redirect("rounds", slug)


@dataclass(frozen=True, slots=True)
class Fit:
    """How many solutions a selection holds, and what asking people about them would take.

    `of`: these are `solutions`, or `comparisons` that stand, or solutions of which `pairs` are to be made.
    """

    select: str
    solutions: int
    redundancy: int
    seconds_each: float | None
    of: str = "solutions"

    @property
    def noun(self) -> str:
        return "problem" if self.of == "problems" else "solution"

    @property
    def is_more(self) -> bool:
        return self.solutions > COUNTED_TO

    @property
    def turns(self) -> int:
        return self.solutions * self.redundancy

    @property
    def seconds(self) -> float | None:
        return self.turns * self.seconds_each if self.seconds_each is not None else None


def fit_for(place: Place, form: SelectionForm, redundancy: int = 1, of: str = "solutions") -> Fit | None:
    if not form.is_valid():
        return None
    selection, solutions = Selection.parse(form.select), askable(place.project)
    try:
        if of == "comparisons":
            return Fit(form.select, existing_count(solutions, selection, COUNTED_TO + 1), redundancy, None, of)
        chosen: QuerySet[Any] = (
            selected_problems(place.project, selection) if of == "problems" else selection.apply(solutions)
        )
    except DomainError:
        return None
    if not chosen.query.is_sliced:
        # Nobody waits for a count of millions to choose a box.
        chosen = chosen[: COUNTED_TO + 1]
    return Fit(
        form.select,
        chosen.count(),
        redundancy,
        seconds_per_turn(Assignment.objects.filter(round__project=place.project)),
        of,
    )


def _asked_of(asked: Mapping[str, str]) -> str:
    """What the chosen protocol would make tasks of."""
    if asked.get("protocol") == "branching" and asked.get("starts_from") == "problems":
        return "problems"
    if asked.get("protocol") != "comparison":
        return "solutions"
    return "comparisons" if asked.get("pairs", "existing") == "existing" else "pairs"


@login_required
@require_GET
def fit(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """How many solutions fit what stands in the form now."""
    place = place_for(request.user, slug, "manage_rounds")
    asked = request.GET.get("redundancy", "")
    redundancy = int(asked) if asked.isdecimal() and len(asked) < 4 else 1
    found = fit_for(
        place, SelectionForm(request.GET, facets=facets_of(place.project)), redundancy, _asked_of(request.GET)
    )
    return render(request, "rounds/_fit.html", {"fit": found, "project": place.project})


@login_required
@require_GET
def round_(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    found = round_of(place, number)
    if found.status == Round.Status.DRAFT:
        context = place.context(
            "rounds",
            round=found,
            preview=preview_of(found),
            protocol=PROTOCOLS.get(found.protocol),
            settings=found.options,
        )
        return render(request, "rounds/draft.html", context)
    work = work_for(request.user, Round.objects.filter(pk=found.pk))[0]
    settings = found.options if place.may("browse") else options_for_labelers(found.protocol, found.options)
    context = place.context("rounds", round=found, work=work, protocol=PROTOCOLS.get(found.protocol), settings=settings)
    context["sitting"] = sitting_of(found, request.user)
    context["returned"] = returned_to(request.user, place.project).filter(round=found)
    if place.may("browse"):
        context |= watched(place, work, now=timezone.now())
    template = "rounds/_progress.html" if request.htmx else "rounds/round.html"
    return render(request, template, context)


@login_required
@require_POST
def set_status(request: AuthenticatedRequest, slug: str, number: int, status: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    found = round_of(place, number)
    try:
        set_round_status(round=found, status=status, actor=request.user)
    except DomainError as error:
        # A draft that cannot open as it stands: its page says so, and its terms can be changed.
        messages.error(request, error.message)
    return redirect("round", slug, number)
