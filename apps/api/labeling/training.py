"""The answer of a task in a training round."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import assignment_of
from apps.quality.gold.training import training_answer


class AnswerShownSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    rating = serializers.IntegerField(allow_null=True, help_text="Your rating; null if you were unsure or gave none.")
    unsure = serializers.BooleanField()
    gold = serializers.IntegerField(allow_null=True, help_text="Gold's rating; null where it has none.")
    is_right = serializers.BooleanField(allow_null=True, help_text="Null where gold does not decide.")
    explanation = serializers.CharField(allow_blank=True)


class TrainingAnswerSerializer(serializers.Serializer[Any]):
    steps = AnswerShownSerializer(many=True)
    first_errors = serializers.ListField(
        child=serializers.IntegerField(), help_text="The first errors that gold accepts; -1: no bad step."
    )
    is_right = serializers.BooleanField(
        allow_null=True, help_text="Whether you name one of them: not if you left early or were unsure before it."
    )


class TrainingAnswerView(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(responses=TrainingAnswerSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The gold answer of your submitted task in a training round; 404 in other rounds, 409 before the submission."""
        return Response(TrainingAnswerSerializer(training_answer(assignment_of(request, pk))).data)
