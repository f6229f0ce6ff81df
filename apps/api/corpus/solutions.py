"""A project's solutions with their steps, in pages or all at once as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import django_filters
from django.db.models import Prefetch
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.corpus.models import Solution, SolutionGrade, Step


class StepSerializer(serializers.ModelSerializer[Step]):
    class Meta:
        model = Step
        fields = ["id", "position", "candidate", "text", "origin", "chosen"]


class SolutionSerializer(serializers.ModelSerializer[Solution]):
    problem = serializers.IntegerField(source="problem_id")
    # Scripts rely on this name of the grade: it is part of the API's contract.
    verdict = serializers.CharField(
        source="grade", help_text="The grade of the final answer: `match`, `no_match`, `unparsed` or `ungraded`."
    )
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
    verdict = django_filters.ChoiceFilter(field_name="grade", choices=SolutionGrade.choices)

    class Meta:
        model = Solution
        fields = ["external_id", "source", "is_correct"]


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
        fields = [name for name in SolutionSerializer.Meta.fields if name not in {"problem", "verdict", "steps"}]
        for solution in solutions:
            row: Row = {name: getattr(solution, name) for name in fields}
            steps = [
                {name: getattr(step, name) for name in StepSerializer.Meta.fields} for step in solution.steps.all()
            ]
            yield {**row, "problem": solution.problem_id, "verdict": solution.grade, "steps": steps}
