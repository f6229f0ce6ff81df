"""Quality: agreement of people and models, figures of labelers, and the rules by which the consensus is computed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import membership_of, place_for
from apps.dashboard.csv_files import csv_response
from apps.dashboard.quality.forms import ReasonForm, RulesForm
from apps.dashboard.quality.labelers import labeler_table, labelers_of
from apps.dashboard.quality.tables import TABLES, dispute_counts, overview_of
from apps.quality.aggregation import RULES
from apps.quality.gold.suspensions import lift, suspend
from apps.quality.rules import change_rules, rules_for


@login_required
@require_GET
def quality(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    overview = overview_of(place)
    context = place.context(
        "quality",
        overview=overview,
        tables=overview.tables,
        rules=rules_for(place.project),
        disputes=dispute_counts(place),
    )
    return render(request, "quality/overview.html", context)


@login_required
@require_GET
def table(request: AuthenticatedRequest, slug: str, name: str) -> StreamingHttpResponse:
    place = place_for(request.user, slug, "browse")
    if name == "labelers":
        return csv_response(labeler_table(place).flat(), f"{slug}-labelers")
    if name not in TABLES:
        raise Http404("No such table.")
    return csv_response(overview_of(place).table(name).flat(), f"{slug}-{name}")


@login_required
@require_GET
def labelers(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    context = place.context("labelers", labelers=labelers_of(place), rules=rules_for(place.project))
    return render(request, "quality/labelers.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def rules(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    form = RulesForm(
        request.POST or None,
        initial=RulesForm.initial_of(rules_for(place.project)),
        may_allow_self_review=place.may("manage_members"),
    )
    changed = form.run(lambda _: change_rules(project=place.project, actor=request.user, **form.arguments()))
    if changed is not None:
        again = " The consensus of all solutions is computed again." if changed.stale_all else ""
        messages.success(request, f"Rules saved.{again}")
        return redirect("quality", slug)
    choices = [(name, kind.title, kind.about) for name, (kind, _) in RULES.items()]
    context = place.context("quality-rules", form=form, choices=choices)
    return render(request, "quality/rules.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def suspend_labeler(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member, form = membership_of(place, pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    suspend(membership=member, reason=reason, by=request.user)
    messages.success(request, f"{member.user} is suspended. Their labels no longer count.")
    return redirect("labelers", slug)


@login_required
@require_POST
def lift_suspension(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    lift(membership=member, by=request.user)
    messages.success(request, f"{member.user} is reinstated. Only gold tasks from now on count for a new suspension.")
    return redirect("labelers", slug)
