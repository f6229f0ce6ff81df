"""Step verdicts of judge models."""

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
from apps.judging.models import StepVerdict


class VerdictSerializer(serializers.Serializer[StepVerdict]):
    id = serializers.IntegerField()
    run = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    solution = serializers.IntegerField()
    step = serializers.IntegerField()
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    rating = serializers.IntegerField(min_value=-1, max_value=1)
    confidence = serializers.FloatField(allow_null=True, help_text="The judge's confidence, from 0 to 1.")
    reason = serializers.CharField(allow_blank=True)


class VerdictFilter(django_filters.FilterSet):  # type: ignore[misc]
    judge = django_filters.CharFilter(field_name="run__judge__name")
    version = IntegerFilter(field_name="run__judge__version")
    run = IntegerFilter(field_name="run__number")
    solution = IntegerFilter(field_name="step__solution_id")

    class Meta:
        model = StepVerdict
        fields: list[str] = []


class VerdictList(ListView):
    @extend_schema(
        operation_id="verdicts_list", parameters=parameters_of(VerdictFilter), responses=VerdictSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """List the step verdicts of all judge runs."""
        project = project_of(request, slug, "browse")
        verdicts = StepVerdict.objects.filter(run__project=project).select_related("run__judge", "step")
        return self.answer(request, filtered(VerdictFilter, request, verdicts), self._rows)

    @staticmethod
    def _rows(verdicts: Iterable[StepVerdict]) -> Iterator[Row]:
        for verdict in verdicts:
            yield {
                "id": verdict.pk,
                "run": verdict.run.number,
                "judge": verdict.run.judge.name,
                "version": verdict.run.judge.version,
                "solution": verdict.step.solution_id,
                "step": verdict.step_id,
                "position": verdict.step.position,
                "candidate": verdict.step.candidate,
                "rating": verdict.rating,
                "confidence": verdict.confidence,
                "reason": verdict.reason,
            }
