"""Rounds of labeling: draft, open, pause, close, and follow their progress."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import Conflict, DomainError
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, place_for, round_of, rounds_of
from apps.dashboard.removal.queries import listed
from apps.dashboard.rounds.forms import RoundForm, initial_of
from apps.dashboard.rounds.open_forms import OpenRoundForm
from apps.dashboard.rounds.queries import round_activity, rounds_opened_by, screening_attempt_of, work_for
from apps.dashboard.rounds.size import size_of
from apps.labeling.assignments.returns import returned_assignments
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.labeling.queue.reservations import waiting_reservations
from apps.labeling.rounds.open_edits import UNDER_WAY
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, discard_draft, edit_round, set_round_status
from apps.quality.rules import labor_cost


@login_required
@require_GET
def rounds(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "view")
    work = work_for(request.user, listed(rounds_of(place), request))
    return render(request, "rounds/rounds.html", place.context("rounds", rounds=work))


@login_required
@require_http_methods(["GET", "POST"])
def new_round(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    # Links on other pages select the solutions: those that a run is unsure of, those in dispute, those left to people.
    initial = {name: request.GET.get(name) for name in ("unsure", "dispute", "source", "subject", "cascade", "first")}
    form = RoundForm(request.POST or None, facets=facets_of(place.project), project=place.project, initial=initial)
    draft = form.run(lambda _: create_round(project=place.project, created_by=request.user, **form.config()))
    if draft is not None:
        return redirect("round", slug, draft.number)
    return _form(request, place, form)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    round_, facets = round_of(place, number), facets_of(place.project)
    if round_.status in UNDER_WAY and not round_.origin:
        return _edit_open(request, place, round_)
    if round_.status != Round.Status.DRAFT:
        raise Conflict("Settings of closed and imported rounds cannot be changed.", code="closed")
    initial = initial_of(round_)
    form = RoundForm(request.POST or None, facets=facets, project=place.project, initial=initial)
    saved = form.run(lambda _: edit_round(round=round_, actor=request.user, changes=form.config()))
    if saved is not None:
        return redirect("round", slug, number)
    return _form(request, place, form, round=round_)


def _edit_open(request: AuthenticatedRequest, place: Place, round_: Round) -> HttpResponse:
    form = OpenRoundForm(request.POST or None, facets=facets_of(place.project), round_=round_)
    saved = form.run(lambda _: edit_round(round=round_, actor=request.user, changes=form.changes(), add=form.add))
    if saved is not None:
        added = saved.task_count - round_.task_count
        tasks = f" {added:,} task{'' if added == 1 else 's'} added." if added else ""
        messages.success(request, f"Changes saved.{tasks}")
        return redirect("round", place.project.slug, round_.number)
    context = place.context("rounds", form=form, round=round_)
    return render(request, "rounds/open_edit.html", context, status=422 if form.errors else 200)


def _form(request: AuthenticatedRequest, place: Place, form: RoundForm, **more: object) -> HttpResponse:
    values = {name: form[name].value() for name in form.fields}
    filled = RoundForm(values, facets=facets_of(place.project), project=place.project)
    context = place.context(
        "rounds", form=form, protocols=PROTOCOLS.values(), size=size_of(filled, place.project), **more
    )
    return render(request, "rounds/new.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    discard_draft(round=round_of(place, number), actor=request.user)
    messages.success(request, "Draft discarded.")
    return redirect("rounds", slug)


@login_required
@require_GET
def size(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The size of the round for the current settings in the form; htmx asks while they are edited."""
    place = place_for(request.user, slug, "manage_rounds")
    form = RoundForm(request.GET, facets=facets_of(place.project), project=place.project)
    context = {"size": size_of(form, place.project), "project": place.project}
    return render(request, "rounds/_size.html", context)


@login_required
@require_GET
def round_(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """A draft with its preview, or a round with its progress; htmx polls the progress."""
    place = place_for(request.user, slug, "view")
    round_ = round_of(place, number)
    protocol = PROTOCOLS.get(round_.protocol)
    if round_.status == Round.Status.DRAFT:
        preview = preview_of(round_)
        context = place.context(
            "rounds",
            round=round_,
            preview=preview,
            cost=labor_cost(place.project, preview.hours),
            protocol=protocol,
            settings=round_.options,
        )
        return render(request, "rounds/draft.html", context)
    work = work_for(request.user, Round.objects.filter(pk=round_.pk))[0]
    settings = round_.options if place.may("browse") else options_for_labelers(round_.protocol, round_.options)
    context = place.context(
        "rounds",
        round=round_,
        work=work,
        protocol=protocol,
        settings=settings,
        attempt=screening_attempt_of(round_, request.user),
        assigned=waiting_reservations(request.user, place.project, round_),
        returned=returned_assignments(request.user, place.project).filter(round=round_),
    )
    attempt = context["attempt"]
    if attempt is not None and attempt.passed_at is not None:
        context["opened_rounds"] = rounds_opened_by(round_, request.user)
    if place.may("browse"):
        context |= round_activity(place, work, now=timezone.now())
    template = "rounds/_progress.html" if request.htmx else "rounds/round.html"
    return render(request, template, context)


@login_required
@require_POST
def set_status(request: AuthenticatedRequest, slug: str, number: int, status: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    try:
        set_round_status(round=round_of(place, number), status=status, actor=request.user)
    except DomainError as error:
        # A draft with invalid settings cannot open: its page shows the error and a link to change them.
        messages.error(request, error.message)
    return redirect("round", slug, number)
