"""People's preferences between two sides: pages, or all of them as NDJSON."""

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
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.corpus.labels import CHOICES
from apps.labeling.models import Assignment, NotCounted, PreferenceLabel
from apps.labeling.models.counted import reason_expression
from apps.projects.models import Membership


class PreferenceSerializer(serializers.Serializer[PreferenceLabel]):
    id = serializers.IntegerField()
    comparison = serializers.IntegerField()
    problem = serializers.IntegerField()
    left = serializers.IntegerField(help_text="The ID of a solution.")
    right = serializers.IntegerField(help_text="The ID of a solution.")
    left_step = serializers.IntegerField(allow_null=True, help_text="Set where steps are compared.")
    right_step = serializers.IntegerField(allow_null=True)
    choice = serializers.ChoiceField(choices=CHOICES)
    margin = serializers.CharField(allow_blank=True)
    rationale = serializers.CharField(allow_blank=True)
    sides_swapped = serializers.BooleanField(help_text="This labeler saw `left` on the right.")
    labeler = serializers.CharField(help_text="The labeler's pseudonym in this project.")
    round = serializers.IntegerField()
    assignment = serializers.IntegerField()
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why it does not count; empty if it counts."
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

    def of_solution(self, labels: QuerySet[PreferenceLabel], _: str, value: Any) -> QuerySet[PreferenceLabel]:
        """Preferences with the solution on either side."""
        path = "assignment__task__comparison__"
        return labels.filter(Q(**{f"{path}left_id": value}) | Q(**{f"{path}right_id": value}))


class PreferenceList(ListView):
    @extend_schema(
        operation_id="preferences_list",
        parameters=parameters_of(PreferenceFilter),
        responses=PreferenceSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """All submitted preferences. The sides are the comparison's own, whichever way they were shown."""
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
        for label in labels:
            assignment, comparison = label.assignment, label.assignment.task.comparison
            if comparison is None:
                continue
            yield {
                "id": label.pk,
                "comparison": comparison.pk,
                "problem": comparison.problem_id,
                "left": comparison.left_id,
                "right": comparison.right_id,
                "left_step": comparison.left_step_id,
                "right_step": comparison.right_step_id,
                "choice": label.choice,
                "margin": label.margin,
                "rationale": label.rationale,
                "sides_swapped": assignment.sides_swapped,
                "labeler": names.get(assignment.labeler_id, ""),
                "round": assignment.round.number,
                "assignment": assignment.pk,
                "not_counted": label.not_counted,  # type: ignore[attr-defined]
                "finish_reason": assignment.finish_reason,
                "submitted_at": assignment.submitted_at,
            }
