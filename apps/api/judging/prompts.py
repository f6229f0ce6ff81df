"""Prompts of judges: those in the box, and the field that takes one by its name or by its values."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.filters import QuerySerializer
from apps.core.errors import DomainError
from apps.judging.kinds import KINDS
from apps.judging.prompts import JudgePrompt, checked_prompt, newest_prompts, prompt_of


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {}}]})
class PromptField(serializers.Field[Any, Any, Any, Any]):
    """The name of a prompt in the box, or an object with all values of an own one. Errors name the value."""

    def to_internal_value(self, data: Any) -> str | dict[str, Any]:
        if not isinstance(data, str | dict):
            raise serializers.ValidationError("Must be the name of a prompt, or an object with the values of one.")
        try:
            prompt_of(data) if isinstance(data, str) else checked_prompt(data)
        except DomainError as error:
            raise serializers.ValidationError(error.message if isinstance(data, str) else error.fields) from error
        return data


class JudgePromptSerializer(serializers.Serializer[JudgePrompt]):
    """Texts have placeholders in braces, as in {problem}."""

    name = serializers.CharField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    title = serializers.CharField()
    about = serializers.CharField(allow_blank=True)
    parser = serializers.CharField(help_text="How replies are read.")
    system = serializers.CharField(allow_blank=True)
    user = serializers.CharField()
    revision = serializers.CharField(allow_blank=True, help_text="The second request of the kind critique-revise.")
    step = serializers.CharField(help_text="How each step is shown, by {index} and {text}.")
    schema = serializers.DictField(allow_null=True, help_text="The JSON schema of a reply.")
    max_tokens = serializers.IntegerField()


class JudgePromptsSerializer(serializers.Serializer[Any]):
    results = JudgePromptSerializer(many=True)


class JudgePromptQuerySerializer(QuerySerializer):
    kind = serializers.ChoiceField(choices=list(KINDS), required=False)


class JudgePromptList(APIView):
    @extend_schema(
        operation_id="judge_prompts_list", parameters=[JudgePromptQuerySerializer], responses=JudgePromptsSerializer
    )
    def get(self, request: Request) -> Response:
        """The prompts in the box, each in its newest version. They are the same for all projects, and on one page."""
        query = JudgePromptQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        prompts = newest_prompts(query.validated_data.get("kind"))
        return Response(JudgePromptsSerializer({"results": prompts}).data)
