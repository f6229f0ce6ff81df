"""Monte Carlo labels, in pages or all at once as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.estimation.models import StepEstimate


class EstimateSerializer(serializers.Serializer[StepEstimate]):
    id = serializers.IntegerField()
    run = serializers.IntegerField()
    solution = serializers.IntegerField()
    step = serializers.IntegerField()
    position = serializers.IntegerField()
    rollouts = serializers.IntegerField(allow_null=True)
    successes = serializers.IntegerField(allow_null=True)
    missing = serializers.IntegerField()
    hard = serializers.BooleanField(allow_null=True)


class EstimateFilter(django_filters.FilterSet):  # type: ignore[misc]
    run = IntegerFilter(field_name="run__number")
    solution = IntegerFilter(field_name="step__solution_id")

    class Meta:
        model = StepEstimate
        fields: list[str] = []


class EstimateList(ListView):
    @extend_schema(
        operation_id="estimates_list", parameters=parameters_of(EstimateFilter), responses=EstimateSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Monte Carlo labels. Imported hard labels have `hard` and no counts."""
        project = project_of(request, slug, "browse")
        estimates = StepEstimate.objects.filter(run__project=project).select_related("run", "step")
        return self.answer(request, filtered(EstimateFilter, request, estimates), self._rows)

    @staticmethod
    def _rows(estimates: Iterable[StepEstimate]) -> Iterator[Row]:
        for estimate in estimates:
            yield {
                "id": estimate.pk,
                "run": estimate.run.number,
                "solution": estimate.step.solution_id,
                "step": estimate.step_id,
                "position": estimate.step.position,
                "rollouts": estimate.rollouts,
                "successes": estimate.successes,
                "missing": estimate.missing,
                "hard": estimate.hard,
            }
