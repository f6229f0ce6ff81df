"""Quality: how far people agree, how labelers do, and by which rules labels come to stand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import membership_of, place_for
from apps.dashboard.quality.forms import ReasonForm, RulesForm
from apps.dashboard.quality.labelers import labeler_table, labelers_of
from apps.dashboard.quality.tables import TABLES, Table, dispute_counts, overview_of
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


class _Echo:
    """What csv writes is what it gives back: one line at a time, nothing kept."""

    def write(self, text: str) -> str:
        return text


def _as_csv(table: Table, name: str) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())
    lines: Iterator[Any] = (writer.writerow([_cell(value) for value in row]) for row in table.flat())
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _cell(value: object) -> object:
    """A name that begins like a formula must not become one in somebody's spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


@login_required
@require_GET
def table(request: AuthenticatedRequest, slug: str, name: str) -> StreamingHttpResponse:
    place = place_for(request.user, slug, "browse")
    if name == "labelers":
        return _as_csv(labeler_table(place), f"{slug}-labelers")
    if name not in TABLES:
        raise Http404("No such table.")
    return _as_csv(overview_of(place).table(name), f"{slug}-{name}")


@login_required
@require_GET
def labelers(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    found = labelers_of(place)
    return render(
        request, "quality/labelers.html", place.context("quality", labelers=found, rules=rules_for(place.project))
    )


@login_required
@require_http_methods(["GET", "POST"])
def rules(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "manage_rounds")
    stand = rules_for(place.project)
    form = RulesForm(
        request.POST or None,
        initial=RulesForm.initial_of(stand),
        may_allow_self_review=place.may("manage_members"),
    )
    changed = form.run(lambda _: change_rules(project=place.project, actor=request.user, **form.terms()))
    if changed is not None:
        messages.success(request, "These rules stand. Labels are computed again by them.")
        return redirect("quality", slug)
    context = place.context(
        "quality", form=form, choices=[(name, kind.title, kind.about) for name, (kind, _) in RULES.items()]
    )
    return render(request, "quality/rules.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def suspend_labeler(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member, form = membership_of(place, pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    suspend(membership=member, reason=reason, by=request.user)
    messages.success(request, f"{member.user} is suspended. What they said is heard no longer.")
    return redirect("labelers", slug)


@login_required
@require_POST
def lift_suspension(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "manage_members")
    member = membership_of(place, pk)
    lift(membership=member, by=request.user)
    messages.success(request, f"{member.user} may work again. Gold counts from now on.")
    return redirect("labelers", slug)
