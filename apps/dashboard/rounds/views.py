"""Rounds of labeling: drafted, looked at, opened, watched, paused and closed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import Conflict, DomainError
from apps.dashboard.access import Place, place_for, round_of, rounds_of
from apps.dashboard.home.queries import work_for
from apps.dashboard.rounds.fit import fit_of
from apps.dashboard.rounds.forms import RoundForm, initial_of
from apps.dashboard.rounds.queries import attempt_of, watched
from apps.dashboard.solutions.queries import facets_of
from apps.labeling.assignments.returns import returned_assignments
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, discard_draft, edit_round, set_round_status


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
    drafted = form.run(lambda _: create_round(project=place.project, created_by=request.user, **form.config()))
    if drafted is not None:
        return redirect("round", slug, drafted.number)
    return _form(request, place, form)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    found, facets = round_of(place, number), facets_of(place.project)
    if found.status != Round.Status.DRAFT:
        raise Conflict("This round has opened: its terms stand.", code="not_a_draft")
    initial = initial_of(found)
    form = RoundForm(request.POST or None, facets=facets, project=place.project, initial=initial)
    saved = form.run(lambda _: edit_round(round=found, actor=request.user, changes=form.config()))
    if saved is not None:
        return redirect("round", slug, number)
    return _form(request, place, form, round=found)


def _form(request: AuthenticatedRequest, place: Place, form: RoundForm, **more: object) -> HttpResponse:
    shown = {name: form[name].value() for name in form.fields}
    asked = RoundForm(shown, facets=facets_of(place.project), project=place.project)
    fitting = fit_of(asked, place.project)
    context = place.context("rounds", form=form, protocols=PROTOCOLS.values(), fit=fitting, **more)
    return render(request, "rounds/new.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    discard_draft(round=round_of(place, number), actor=request.user)
    messages.success(request, "The draft is gone.")
    return redirect("rounds", slug)


@login_required
@require_GET
def fit(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What the terms in the form would make now."""
    place = place_for(request.user, slug, "manage_rounds")
    form = RoundForm(request.GET, facets=facets_of(place.project), project=place.project)
    found = fit_of(form, place.project)
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
    context["sitting"] = attempt_of(found, request.user)
    context["returned"] = returned_assignments(request.user, place.project).filter(round=found)
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
