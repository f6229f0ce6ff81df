"""One problem: mended, retired, brought back."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import problem_of, user_of
from apps.api.corpus.records import ProblemSerializer
from apps.corpus.problem_edits import edit_problem
from apps.corpus.tasks import grade_problem
from apps.labeling.problems import bring_back, retire_problem


class EditProblemSerializer(serializers.Serializer[Any]):
    statement = serializers.CharField(max_length=200_000)
    reference_answer = serializers.CharField(max_length=20_000, allow_blank=True, allow_null=True)


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=5000)


class ProblemDetail(APIView):
    @extend_schema(responses=ProblemSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ProblemSerializer(problem_of(request, pk, "browse")).data)

    @extend_schema(request=EditProblemSerializer, responses=ProblemSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Mend statement or reference answer; with another answer its solutions are graded again by a worker."""
        problem = problem_of(request, pk, "edit_problems")
        given = EditProblemSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        answer = data.get("reference_answer", problem.reference_answer)
        with transaction.atomic():
            mended = edit_problem(
                problem=problem,
                actor=user_of(request),
                statement=data.get("statement", problem.statement),
                reference_answer=answer or "",
            )
            transaction.on_commit(partial(grade_problem.delay, mended.pk))
        return Response(ProblemSerializer(mended).data)


class Retire(APIView):
    @extend_schema(request=WhySerializer, responses=ProblemSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Take it out of work: not served, not exported, not estimated. Its leases end."""
        problem = problem_of(request, pk, "edit_problems")
        given = WhySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        retired = retire_problem(problem=problem, reason=given.validated_data["reason"], actor=user_of(request))
        return Response(ProblemSerializer(retired).data)


class BringBack(APIView):
    @extend_schema(request=None, responses=ProblemSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Put a retired problem to work again."""
        problem = problem_of(request, pk, "edit_problems")
        return Response(ProblemSerializer(bring_back(problem=problem, actor=user_of(request))).data)
