"""Evaluations: ask for one, list them, read the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import evaluation_of, project_of, user_of
from apps.api.corpus.imports import AcceptedSerializer
from apps.api.filters import QuerySerializer
from apps.api.pagination import ListView
from apps.evaluation.models import Evaluation, EvaluationKind
from apps.evaluation.reports.names import with_names
from apps.evaluation.services import cancel_evaluation, create_evaluation
from apps.projects.models import Membership


class EvaluationRowSerializer(serializers.ModelSerializer[Evaluation]):
    class Meta:
        model = Evaluation
        fields = ["id", "status", "kind", "options", "version", "done", "total", "error", "created_at", "finished_at"]


class EvaluationSerializer(EvaluationRowSerializer):
    result = serializers.SerializerMethodField(
        help_text="The figures; see docs/evaluation.md. Null until it has finished. People have pseudonyms."
    )

    class Meta(EvaluationRowSerializer.Meta):
        fields = [*EvaluationRowSerializer.Meta.fields, "result"]

    def get_result(self, evaluation: Evaluation) -> dict[str, Any] | None:
        names: Mapping[int, str] = Membership.objects.filter(project=evaluation.project_id).pseudonyms()
        return None if evaluation.result is None else with_names(evaluation.result, names)


class NewEvaluationSerializer(serializers.Serializer[Evaluation]):
    kind = serializers.ChoiceField(choices=EvaluationKind.choices)
    options = serializers.DictField(default=dict, help_text="Options that are left out have their defaults.")


class EvaluationQuerySerializer(QuerySerializer):
    kind = serializers.ChoiceField(choices=EvaluationKind.choices, required=False)


class EvaluationList(ListView):
    @extend_schema(
        operation_id="evaluations_list",
        parameters=[EvaluationQuerySerializer],
        responses=EvaluationRowSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The project's evaluations, without their results."""
        project = project_of(request, slug, "evaluate")
        query = EvaluationQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        evaluations = Evaluation.objects.filter(project=project, **query.validated_data).defer("result")
        return self.answer(request, evaluations, lambda page: iter(EvaluationRowSerializer(list(page), many=True).data))

    @extend_schema(request=NewEvaluationSerializer, responses={202: AcceptedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for an evaluation. A worker computes it; `/evaluations/{id}` has its progress and then its result."""
        project = project_of(request, slug, "evaluate")
        serializer = NewEvaluationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        evaluation = create_evaluation(project=project, requested_by=user_of(request), **serializer.validated_data)
        return Response({"id": evaluation.pk, "status": evaluation.status}, status=202)


class EvaluationDetail(APIView):
    @extend_schema(responses=EvaluationSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(EvaluationSerializer(evaluation_of(request, pk)).data)


class EvaluationCancel(APIView):
    @extend_schema(request=None, responses=EvaluationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Stop the evaluation. Nothing of it is kept."""
        evaluation = cancel_evaluation(evaluation=evaluation_of(request, pk), actor=user_of(request))
        return Response(EvaluationSerializer(evaluation).data)
