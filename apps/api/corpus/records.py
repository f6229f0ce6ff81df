"""What is in a project: problems, solutions, step labels, estimates. Pages, or all of it as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django import forms
from django.db.models import Prefetch
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.pagination import ListView, Pages, Row
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.models import StepEstimate
from apps.labeling.models import Assignment, NotCounted, StepLabel
from apps.labeling.models.counted import reason_expression
from apps.projects.models import Membership
from apps.quality.review.corrections import corrections_of


class ProblemSerializer(serializers.ModelSerializer[Problem]):
    class Meta:
        model = Problem
        fields = [
            "id",
            "external_id",
            "statement",
            "reference_answer",
            "reference_solution",
            "verifier",
            "subject",
            "level",
            "split",
            "retired_at",
            "retired_reason",
        ]


class IntegerFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """Whole numbers alone: the database would cut 1.5 to 1 and answer with what nobody asked for."""

    field_class = forms.IntegerField


class ProblemFilter(django_filters.FilterSet):  # type: ignore[misc]
    class Meta:
        model = Problem
        fields = ["external_id", "subject", "level", "split"]


class StepSerializer(serializers.ModelSerializer[Step]):
    class Meta:
        model = Step
        fields = ["id", "position", "candidate", "text", "origin", "chosen"]


class SolutionSerializer(serializers.ModelSerializer[Solution]):
    problem = serializers.IntegerField(source="problem_id")
    steps = StepSerializer(many=True)

    class Meta:
        model = Solution
        fields = [
            "id",
            "problem",
            "external_id",
            "source",
            "final_answer",
            "is_correct",
            "claimed_correct",
            "verdict",
            "graded_by",
            "verifier_score",
            "steps",
        ]


class SolutionFilter(django_filters.FilterSet):  # type: ignore[misc]
    problem = IntegerFilter(field_name="problem_id")
    subject = django_filters.CharFilter(field_name="problem__subject")

    class Meta:
        model = Solution
        fields = ["external_id", "source", "is_correct", "verdict"]


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
    labeler = serializers.CharField(help_text="The labeler's pseudonym in this project. The rating is their own.")
    corrected_by = serializers.CharField(
        allow_null=True, help_text="The pseudonym of the reviewer whose correction counts in its place."
    )
    correction = CorrectedRatingSerializer(
        allow_null=True, help_text="What that reviewer says of the step; null also where they do not rate it."
    )
    round = serializers.IntegerField()
    assignment = serializers.IntegerField()
    not_counted = serializers.ChoiceField(
        choices=NotCounted.choices, allow_blank=True, help_text="Why it decides nothing; empty where it counts."
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


_BOOLEANS = ("", "true", "false")
_TYPES = {IntegerFilter: int, django_filters.BooleanFilter: bool}


def parameters_of(filterset: type[django_filters.FilterSet]) -> list[OpenApiParameter]:
    """The filters for the API's document, which would find them by itself only in a generic view."""
    filters = filterset.base_filters.items()
    return [OpenApiParameter(name, _TYPES.get(type(one), str)) for name, one in filters]


def filtered(filterset: type[django_filters.FilterSet], request: Request, queryset: Any) -> Any:
    found = filterset(request.query_params, queryset=queryset, request=request)
    if wrong := {**_misunderstood(found), **found.errors}:
        raise serializers.ValidationError(wrong)
    return found.qs


def _misunderstood(found: Any) -> dict[str, list[str]]:
    """What the filters would take for no filter at all, and answer with everything."""
    known = [*found.filters, *Pages.PARAMETERS]
    wrong = {name: [f"There is no such filter; there are {', '.join(known)}."] for name in {*found.data} - {*known}}
    for name, one in found.filters.items():
        if isinstance(one, django_filters.BooleanFilter) and found.data.get(name, "true").lower() not in _BOOLEANS:
            wrong[name] = ["Say true or false."]
    return wrong


class ProblemList(ListView):
    @extend_schema(
        operation_id="problems_list", parameters=parameters_of(ProblemFilter), responses=ProblemSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        project = project_of(request, slug, "browse")
        found = filtered(ProblemFilter, request, Problem.objects.filter(project=project))
        return self.answer(request, found, self._rows)

    @staticmethod
    def _rows(problems: Iterable[Problem]) -> Iterator[Row]:
        yield from ({name: getattr(one, name) for name in ProblemSerializer.Meta.fields} for one in problems)


class SolutionList(ListView):
    @extend_schema(
        operation_id="solutions_list", parameters=parameters_of(SolutionFilter), responses=SolutionSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        project = project_of(request, slug, "browse")
        steps = Prefetch("steps", queryset=Step.objects.order_by("position", "candidate"))
        found = filtered(
            SolutionFilter, request, Solution.objects.written().filter(project=project).prefetch_related(steps)
        )
        return self.answer(request, found, self._rows)

    @staticmethod
    def _rows(solutions: Iterable[Solution]) -> Iterator[Row]:
        fields = [name for name in SolutionSerializer.Meta.fields if name not in {"problem", "steps"}]
        for one in solutions:
            row: Row = {name: getattr(one, name) for name in fields}
            steps = [{name: getattr(step, name) for name in StepSerializer.Meta.fields} for step in one.steps.all()]
            yield {**row, "problem": one.problem_id, "steps": steps}


class StepLabelList(ListView):
    @extend_schema(
        operation_id="step_labels_list",
        parameters=parameters_of(StepLabelFilter),
        responses=StepLabelSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Every rating that a labeler submitted, with their pseudonym, and what a reviewer says in its place."""
        project = project_of(request, slug, "browse")
        names = Membership.objects.filter(project=project).pseudonyms()
        submitted = StepLabel.objects.filter(
            assignment__round__project=project,
            assignment__state__in=Assignment.SUBMITTED,
        ).annotate(not_counted=reason_expression("assignment__"))
        submitted = submitted.select_related("assignment__round", "step")
        return self.answer(
            request, filtered(StepLabelFilter, request, submitted), lambda labels: self._rows(labels, names)
        )

    @staticmethod
    def _rows(labels: Iterable[StepLabel], names: dict[int, str]) -> Iterator[Row]:
        page = list(labels)
        corrections = corrections_of({one.assignment_id for one in page if one.assignment.corrected_by_id is not None})
        for one in page:
            assignment = one.assignment
            correction = corrections.get(assignment.pk)
            corrected = correction.steps.get((one.step.position, one.step.candidate)) if correction else None
            yield {
                "id": one.pk,
                "solution": one.step.solution_id,
                "step": one.step_id,
                "position": one.step.position,
                "candidate": one.step.candidate,
                "rating": one.rating,
                "unsure": one.unsure,
                "chosen": one.chosen,
                "labeler": names.get(assignment.labeler_id, ""),
                "corrected_by": names.get(correction.reviewer.pk, "") if correction else None,
                "correction": {"rating": corrected.rating, "unsure": corrected.unsure} if corrected else None,
                "round": assignment.round.number,
                "assignment": assignment.pk,
                "not_counted": one.not_counted,  # type: ignore[attr-defined]
                "finish_reason": assignment.finish_reason,
                "submitted_at": assignment.submitted_at,
            }


class EstimateList(ListView):
    @extend_schema(
        operation_id="estimates_list", parameters=parameters_of(EstimateFilter), responses=EstimateSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Monte Carlo labels. A file of hard labels has `hard` and no counts."""
        project = project_of(request, slug, "browse")
        found = StepEstimate.objects.filter(run__project=project).select_related("run", "step")
        return self.answer(request, filtered(EstimateFilter, request, found), self._rows)

    @staticmethod
    def _rows(estimates: Iterable[StepEstimate]) -> Iterator[Row]:
        for one in estimates:
            yield {
                "id": one.pk,
                "run": one.run.number,
                "solution": one.step.solution_id,
                "step": one.step_id,
                "position": one.step.position,
                "rollouts": one.rollouts,
                "successes": one.successes,
                "missing": one.missing,
                "hard": one.hard,
            }
