"""Ratings that labelers submitted, in pages or all at once as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.labeling.models import Assignment, NotCounted, StepLabel
from apps.labeling.models.counted import reason_expression
from apps.projects.models import Membership
from apps.quality.review.corrections import corrections_of


class CorrectedRatingSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField(allow_null=True, min_value=-1, max_value=1)
    unsure = serializers.BooleanField()


class StepLabelSerializer(serializers.Serializer[StepLabel]):
    id = serializers.IntegerField()
    solution = serializers.IntegerField()
    step = serializers.IntegerField()
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    rating = serializers.IntegerField(allow_null=True, min_value=-1, max_value=1)
    unsure = serializers.BooleanField(allow_null=True)
    chosen = serializers.BooleanField()
    comment = serializers.CharField(allow_blank=True, help_text="What the labeler remarks on the step.")
    labeler = serializers.CharField(help_text="The labeler's pseudonym in this project. The rating is their own.")
    corrected_by = serializers.CharField(
        allow_null=True, help_text="The pseudonym of the reviewer whose correction counts instead."
    )
    correction = CorrectedRatingSerializer(
        allow_null=True, help_text="That reviewer's rating of the step; null if it has none."
    )
    round = serializers.IntegerField()
    assignment = serializers.IntegerField()
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why the label does not count; empty when it does."
    )
    finish_reason = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField(allow_null=True)


class StepLabelFilter(django_filters.FilterSet):  # type: ignore[misc]
    round = IntegerFilter(field_name="assignment__round__number")
    solution = IntegerFilter(field_name="step__solution_id")
    rating = IntegerFilter(field_name="rating")

    class Meta:
        model = StepLabel
        fields: list[str] = []


class StepLabelList(ListView):
    @extend_schema(
        operation_id="step_labels_list",
        parameters=parameters_of(StepLabelFilter),
        responses=StepLabelSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Every rating that a labeler submitted, with their pseudonym, and a reviewer's correction of it."""
        project = project_of(request, slug, "browse")
        names = Membership.objects.filter(project=project).pseudonyms()
        labels = StepLabel.objects.filter(
            assignment__round__project=project,
            assignment__state__in=Assignment.SUBMITTED,
        ).annotate(not_counted=reason_expression("assignment__"))
        labels = labels.select_related("assignment__round", "step")
        return self.answer(request, filtered(StepLabelFilter, request, labels), lambda page: self._rows(page, names))

    @staticmethod
    def _rows(labels: Iterable[StepLabel], names: dict[int, str]) -> Iterator[Row]:
        page = list(labels)
        corrections = corrections_of(
            {label.assignment_id for label in page if label.assignment.corrected_by_id is not None}
        )
        for label in page:
            assignment = label.assignment
            correction = corrections.get(assignment.pk)
            corrected = correction.steps.get((label.step.position, label.step.candidate)) if correction else None
            yield {
                "id": label.pk,
                "solution": label.step.solution_id,
                "step": label.step_id,
                "position": label.step.position,
                "candidate": label.step.candidate,
                "rating": label.rating,
                "unsure": label.unsure,
                "chosen": label.chosen,
                "comment": label.comment,
                "labeler": names.get(assignment.labeler_id, ""),
                "corrected_by": names.get(correction.reviewer.pk, "") if correction else None,
                "correction": {"rating": corrected.rating, "unsure": corrected.unsure} if corrected else None,
                "round": assignment.round.number,
                "assignment": assignment.pk,
                "not_counted": label.not_counted,  # type: ignore[attr-defined]
                "finish_reason": assignment.finish_reason,
                "submitted_at": assignment.submitted_at,
            }
