"""The page of one labeler: all their work in the project, and what can be done about it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import membership_of, place_for
from apps.dashboard.quality.labelers import labelers_of
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.activity import submissions_by_day
from apps.labeling.models import Assignment
from apps.quality.metrics import profile
from apps.quality.metrics.hours import hours_of
from apps.quality.models import FastMark
from apps.quality.review.names import PersonName

DAYS = 30
LATEST = 20


@login_required
@require_GET
def person(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """Managers see the name; reviewers see the pseudonym, as everywhere."""
    place = place_for(request.user, slug, "review")
    member = membership_of(place, pk)
    project, labeler = place.project, member.user
    own = Assignment.objects.filter(round__project=project, labeler=labeler)
    latest = own.submitted().filter(submitted_at__isnull=False).order_by("-submitted_at")
    latest = latest.select_related("round", "task__solution__problem", "task__comparison__problem")
    shown = list(latest[:LATEST])
    name = labeler_names(place, {labeler.pk})[labeler.pk]
    context: dict[str, Any] = {
        "member": member,
        "name": PersonName(name, member.pk),
        "is_named": place.names_people(),
        "figures": next(iter(labelers_of(place, labeler.pk)), None),
        "endings": profile.endings_of(project, labeler),
        "days": submissions_by_day(own, now=timezone.now(), days=DAYS),
        "bars": profile.time_bars(project, labeler),
        "weeks": profile.gold_weeks(project, labeler),
        "rounds": profile.rounds_of(project, labeler),
        "suspensions": profile.suspensions_of(project, labeler),
        "hours": hours_of(project, labeler=labeler),
        "latest": shown,
        "fast": set(FastMark.objects.filter(assignment__in=shown).values_list("pk", flat=True)),
    }
    return render(request, "people/person.html", place.context("labelers", **context))
