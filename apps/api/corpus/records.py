"""A project's problems, solutions, step labels and estimates, in pages or all at once as NDJSON."""

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
    """Accepts whole numbers only: the database would truncate 1.5 to 1 and return the wrong rows."""

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
            "grade",
            "graded_by",
            "verifier_score",
            "steps",
        ]


class SolutionFilter(django_filters.FilterSet):  # type: ignore[misc]
    problem = IntegerFilter(field_name="problem_id")
    subject = django_filters.CharFilter(field_name="problem__subject")

    class Meta:
        model = Solution
        fields = ["external_id", "source", "is_correct", "grade"]


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
    """The filters, for the OpenAPI document: drf-spectacular finds them only in generic views."""
    filters = filterset.base_filters.items()
    return [OpenApiParameter(name, _TYPES.get(type(filter_), str)) for name, filter_ in filters]


def filtered(filterset: type[django_filters.FilterSet], request: Request, queryset: Any) -> Any:
    """The queryset narrowed by the request's parameters. Raises ValidationError for unknown filters and values."""
    filters = filterset(request.query_params, queryset=queryset, request=request)
    if errors := {**_ignored_parameters(filters), **filters.errors}:
        raise serializers.ValidationError(errors)
    return filters.qs


def _ignored_parameters(filters: Any) -> dict[str, list[str]]:
    """Parameters that django-filter would ignore, and so return every row."""
    names = [*filters.filters, *Pages.PARAMETERS]
    errors = {name: [f"Unknown filter. Filters are {', '.join(names)}."] for name in {*filters.data} - {*names}}
    for name, filter_ in filters.filters.items():
        if (
            isinstance(filter_, django_filters.BooleanFilter)
            and filters.data.get(name, "true").lower() not in _BOOLEANS
        ):
            errors[name] = ["Must be true or false."]
    return errors


class ProblemList(ListView):
    @extend_schema(
        operation_id="problems_list", parameters=parameters_of(ProblemFilter), responses=ProblemSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        project = project_of(request, slug, "browse")
        problems = filtered(ProblemFilter, request, Problem.objects.filter(project=project))
        return self.answer(request, problems, self._rows)

    @staticmethod
    def _rows(problems: Iterable[Problem]) -> Iterator[Row]:
        for problem in problems:
            yield {name: getattr(problem, name) for name in ProblemSerializer.Meta.fields}


class SolutionList(ListView):
    @extend_schema(
        operation_id="solutions_list", parameters=parameters_of(SolutionFilter), responses=SolutionSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        project = project_of(request, slug, "browse")
        steps = Prefetch("steps", queryset=Step.objects.order_by("position", "candidate"))
        solutions = Solution.objects.written().filter(project=project).prefetch_related(steps)
        return self.answer(request, filtered(SolutionFilter, request, solutions), self._rows)

    @staticmethod
    def _rows(solutions: Iterable[Solution]) -> Iterator[Row]:
        fields = [name for name in SolutionSerializer.Meta.fields if name not in {"problem", "steps"}]
        for solution in solutions:
            row: Row = {name: getattr(solution, name) for name in fields}
            steps = [
                {name: getattr(step, name) for name in StepSerializer.Meta.fields} for step in solution.steps.all()
            ]
            yield {**row, "problem": solution.problem_id, "steps": steps}


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
                "labeler": names.get(assignment.labeler_id, ""),
                "corrected_by": names.get(correction.reviewer.pk, "") if correction else None,
                "correction": {"rating": corrected.rating, "unsure": corrected.unsure} if corrected else None,
                "round": assignment.round.number,
                "assignment": assignment.pk,
                "not_counted": label.not_counted,  # type: ignore[attr-defined]
                "finish_reason": assignment.finish_reason,
                "submitted_at": assignment.submitted_at,
            }


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
