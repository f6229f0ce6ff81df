"""A project's problems as a list; one problem: read, edit, retire, bring back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import problem_of, project_of, user_of
from apps.api.filters import filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.api.removal import Deletable
from apps.corpus.models import Problem
from apps.corpus.problem_edits import edit_problem
from apps.labeling.problems import bring_back, retire_problem


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


class ProblemFilter(django_filters.FilterSet):  # type: ignore[misc]
    class Meta:
        model = Problem
        fields = ["external_id", "subject", "level", "split"]


class EditProblemSerializer(serializers.Serializer[Any]):
    statement = serializers.CharField(max_length=200_000)
    reference_answer = serializers.CharField(max_length=20_000, allow_blank=True, allow_null=True)


class ReasonInSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=5000)


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


class ProblemDetail(Deletable):
    kind = "problem"

    @extend_schema(responses=ProblemSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ProblemSerializer(problem_of(request, pk, "browse")).data)

    @extend_schema(request=EditProblemSerializer, responses=ProblemSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Edit the statement or the reference answer. When the answer changes, a worker grades its solutions again."""
        problem = problem_of(request, pk, "edit_problems")
        serializer = EditProblemSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        answer = data.get("reference_answer", problem.reference_answer)
        edited = edit_problem(
            problem=problem,
            actor=user_of(request),
            statement=data.get("statement", problem.statement),
            reference_answer=answer or "",
        )
        return Response(ProblemSerializer(edited).data)


class Retire(APIView):
    @extend_schema(request=ReasonInSerializer, responses=ProblemSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Retire the problem: it is no longer served, exported or estimated, and its leases end."""
        problem = problem_of(request, pk, "edit_problems")
        serializer = ReasonInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        retired = retire_problem(problem=problem, reason=serializer.validated_data["reason"], actor=user_of(request))
        return Response(ProblemSerializer(retired).data)


class BringBack(APIView):
    @extend_schema(request=None, responses=ProblemSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Bring a retired problem back."""
        problem = problem_of(request, pk, "edit_problems")
        return Response(ProblemSerializer(bring_back(problem=problem, actor=user_of(request))).data)
