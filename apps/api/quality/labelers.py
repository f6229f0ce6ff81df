"""The figures of each labeler: work, score on gold, agreement with the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.core.errors import NotFound
from apps.core.statistics import wilson
from apps.projects.models import Membership, Project
from apps.projects.permissions import can, membership_of
from apps.quality.gold.suspensions import active_suspensions
from apps.quality.metrics.stored import labeler_figures
from apps.quality.rules import labor_cost


class ShareSerializer(serializers.Serializer[Any]):
    hits = serializers.IntegerField()
    of = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True, help_text="Of the 95 % interval; null where there is nothing.")
    high = serializers.FloatField(allow_null=True)


class LabelerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the member.")
    labeler = serializers.CharField(help_text="A pseudonym in this project.")
    email = serializers.EmailField(allow_null=True, help_text="For managers; null for reviewers.")
    submissions = serializers.IntegerField()
    corrections = serializers.IntegerField()
    left_early = serializers.IntegerField(help_text="Submissions that gave up or reported the problem.")
    days = serializers.IntegerField(help_text="Days with a submission.")
    last = serializers.DateTimeField(allow_null=True, help_text="The newest submission.")
    median_s = serializers.FloatField(allow_null=True, help_text="Median active time of first submissions.")
    active_s = serializers.FloatField()
    idle_s = serializers.FloatField()
    cost = serializers.FloatField(allow_null=True, help_text="By the project's hourly cost; null without one.")
    gold_first_error = ShareSerializer(help_text="Gold tasks with the right first error.")
    gold_within_one = ShareSerializer(help_text="Gold tasks with a first error at most one step off.")
    gold_steps = ShareSerializer(help_text="Steps of gold tasks with the right rating.")
    agrees = ShareSerializer(help_text="Solutions with the first error of the others.")
    suspended_because = serializers.CharField(allow_null=True, help_text="Null unless the labeler is suspended.")


class LabelerFilter(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(choices=Membership.Status.choices)


class LabelerList(ListView):
    @extend_schema(
        operation_id="labelers_list", parameters=parameters_of(LabelerFilter), responses=LabelerSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Everyone who has submitted anything. Workers compute the figures when labels change."""
        project = project_of(request, slug, "browse")
        figures = labeler_figures(project)
        members = Membership.objects.filter(project=project, user__in=figures).select_related("user")
        shows_email = _shows_email(project, request)
        return self.answer(
            request,
            filtered(LabelerFilter, request, members),
            lambda page: _rows(project, page, figures, shows_email=shows_email),
        )


class LabelerDetail(APIView):
    @extend_schema(responses=LabelerSerializer)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """One labeler, by the id of the member. 404 for members who have submitted nothing."""
        project = project_of(request, slug, "browse")
        figures = labeler_figures(project)
        members = Membership.objects.filter(project=project, user__in=figures, pk=pk).select_related("user")
        row = next(_rows(project, members, figures, shows_email=_shows_email(project, request)), None)
        if row is None:
            raise NotFound("No such labeler.")
        return Response(row)


def _shows_email(project: Project, request: Request) -> bool:
    """Reviewers see pseudonyms, so that they review the work and not the person."""
    return can(membership_of(user_of(request), project), "invite")


def _rows(
    project: Project, members: Iterable[Membership], figures: Mapping[int, Row], *, shows_email: bool
) -> Iterator[Row]:
    page = list(members)
    suspensions = active_suspensions(page)
    hour_cost = labor_cost(project, 1.0)
    for member in page:
        row = figures[member.user_id]
        suspension = suspensions.get(member.pk)
        active_s = row["active_ms"] / 1000
        yield {
            "id": member.pk,
            "labeler": member.pseudonym,
            "email": member.user.email if shows_email and member.status != Membership.Status.IMPORTED else None,
            "submissions": row["assignments"],
            "corrections": row["corrected"],
            "left_early": row["left_early"],
            "days": row["days"],
            "last": row["last"],
            "median_s": None if row["median_ms"] is None else row["median_ms"] / 1000,
            "active_s": active_s,
            "idle_s": row["idle_ms"] / 1000,
            "cost": None if hour_cost is None else hour_cost * active_s / 3600,
            "gold_first_error": _gold(row.get("exact")),
            "gold_within_one": _gold(row.get("within_one")),
            "gold_steps": _gold(row.get("steps")),
            "agrees": _share(*row["agrees"]),
            "suspended_because": suspension.reason if suspension else None,
        }


def _gold(figure: Mapping[str, Any] | None) -> Row:
    if not figure or not figure["of"]:
        return _share(0, 0)
    low, high = figure["interval"]
    return {"hits": figure["hits"], "of": figure["of"], "low": low, "high": high}


def _share(hits: int, of: int) -> Row:
    low, high = wilson(hits, of) if of else (None, None)
    return {"hits": hits, "of": of, "low": low, "high": high}
