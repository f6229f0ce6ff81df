"""What people prefer of two sides. Pages, or all of it as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.corpus.records import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.corpus.labels import CHOICES
from apps.labeling.models import Assignment, NotCounted, PreferenceLabel
from apps.labeling.models.counted import reason_expression
from apps.projects.models import Membership


class PreferenceSerializer(serializers.Serializer[PreferenceLabel]):
    id = serializers.IntegerField()
    comparison = serializers.IntegerField()
    problem = serializers.IntegerField()
    left = serializers.IntegerField(help_text="A solution.")
    right = serializers.IntegerField(help_text="A solution.")
    left_step = serializers.IntegerField(allow_null=True, help_text="Where steps are compared, not solutions.")
    right_step = serializers.IntegerField(allow_null=True)
    choice = serializers.ChoiceField(choices=CHOICES)
    margin = serializers.CharField(allow_blank=True)
    rationale = serializers.CharField(allow_blank=True)
    sides_swapped = serializers.BooleanField(help_text="This labeler saw `left` on the right.")
    labeler = serializers.CharField(help_text="The labeler's pseudonym in this project.")
    round = serializers.IntegerField()
    assignment = serializers.IntegerField()
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why it decides nothing; empty where it counts."
    )
    finish_reason = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField(allow_null=True)


class PreferenceFilter(django_filters.FilterSet):  # type: ignore[misc]
    round = IntegerFilter(field_name="assignment__round__number")
    comparison = IntegerFilter(field_name="assignment__task__comparison_id")
    problem = IntegerFilter(field_name="assignment__task__comparison__problem_id")
    solution = IntegerFilter(method="of_solution")

    class Meta:
        model = PreferenceLabel
        fields = ["choice", "margin"]

    def of_solution(self, found: QuerySet[PreferenceLabel], _: str, value: Any) -> QuerySet[PreferenceLabel]:
        """On either side."""
        way = "assignment__task__comparison__"
        return found.filter(Q(**{f"{way}left_id": value}) | Q(**{f"{way}right_id": value}))


class PreferenceList(ListView):
    @extend_schema(
        operation_id="preferences_list",
        parameters=parameters_of(PreferenceFilter),
        responses=PreferenceSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Every preference that a person handed in, of the comparison's own sides, however they were shown."""
        project = project_of(request, slug, "browse")
        names = Membership.objects.filter(project=project).pseudonyms()
        submitted = PreferenceLabel.objects.filter(
            assignment__round__project=project,
            assignment__state__in=Assignment.SUBMITTED,
        ).annotate(not_counted=reason_expression("assignment__"))
        submitted = submitted.select_related("assignment__round", "assignment__task__comparison")
        return self.answer(
            request, filtered(PreferenceFilter, request, submitted), lambda labels: self._rows(labels, names)
        )

    @staticmethod
    def _rows(labels: Iterable[PreferenceLabel], names: dict[int, str]) -> Iterator[Row]:
        for one in labels:
            assignment, compared = one.assignment, one.assignment.task.comparison
            if compared is None:
                continue
            yield {
                "id": one.pk,
                "comparison": compared.pk,
                "problem": compared.problem_id,
                "left": compared.left_id,
                "right": compared.right_id,
                "left_step": compared.left_step_id,
                "right_step": compared.right_step_id,
                "choice": one.choice,
                "margin": one.margin,
                "rationale": one.rationale,
                "sides_swapped": assignment.sides_swapped,
                "labeler": names.get(assignment.labeler_id, ""),
                "round": assignment.round.number,
                "assignment": assignment.pk,
                "not_counted": one.not_counted,  # type: ignore[attr-defined]
                "finish_reason": assignment.finish_reason,
                "submitted_at": assignment.submitted_at,
            }
