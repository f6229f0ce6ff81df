"""Judges of a project: a model with a prompt and settings."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import judge_of, project_of, user_of
from apps.api.filters import ArchivedFilter, filtered, parameters_of
from apps.api.judging.prompts import JudgePromptSerializer, PromptField
from apps.api.pagination import Pages, page_of
from apps.api.removal import Deletable
from apps.inference.models import Endpoint
from apps.judging.judges import constitution_in, save_judge
from apps.judging.kinds import KINDS
from apps.judging.models import Constitution, Judge
from apps.judging.models.judges import LONGEST_NAME
from apps.projects.models import Project

KIND_OPTIONS = ("votes", "temperature", "max_tokens")


class PromptVersionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField()


class ConstitutionVersionSerializer(serializers.ModelSerializer[Constitution]):
    class Meta:
        model = Constitution
        fields = ["id", "name", "version"]


class JudgeSerializer(serializers.ModelSerializer[Judge]):
    kind = serializers.CharField(allow_blank=True, help_text="Empty: the judge came with a file.")
    endpoint = serializers.SlugRelatedField[Endpoint](slug_field="name", read_only=True, allow_null=True)
    is_asked = serializers.BooleanField(help_text="Whether it has an endpoint at which it can be asked.")
    prompt = serializers.SerializerMethodField(help_text="Null: the judge came with a file.")
    constitution = ConstitutionVersionSerializer(allow_null=True)

    class Meta:
        model = Judge
        fields = [
            "id",
            "name",
            "version",
            "kind",
            "endpoint",
            "model",
            "is_asked",
            "prompt",
            "options",
            "constitution",
            "created_at",
        ]

    @extend_schema_field(PromptVersionSerializer(allow_null=True))
    def get_prompt(self, judge: Judge) -> dict[str, Any] | None:
        return PromptVersionSerializer(judge.prompt).data if judge.prompt else None


class WholeJudgeSerializer(JudgeSerializer):
    """The judge with its whole prompt."""

    @extend_schema_field(JudgePromptSerializer(allow_null=True))
    def get_prompt(self, judge: Judge) -> dict[str, Any] | None:
        return JudgePromptSerializer(judge.prompt).data if judge.prompt else None


class JudgeSettingsSerializer(serializers.Serializer[Any]):
    endpoint = serializers.CharField(max_length=60, help_text="Name of the endpoint.")
    kind = serializers.ChoiceField(choices=list(KINDS))
    name = serializers.CharField(
        max_length=LONGEST_NAME,
        required=False,
        help_text="By default the endpoint's name, with the kind unless it is steps.",
    )
    prompt = PromptField(
        required=False,
        help_text="The name of a prompt in the box, or all values of an own one; by default the usual one.",
    )
    votes = serializers.IntegerField(
        required=False, min_value=1, max_value=64, help_text="Replies for each item, of which the most frequent wins."
    )
    temperature = serializers.FloatField(
        required=False, min_value=0, max_value=2, help_text="By default 0 for one vote and 1 for several."
    )
    max_tokens = serializers.IntegerField(
        required=False, min_value=1, max_value=131_072, help_text="Tokens of a reply, by default as the prompt says."
    )
    options = serializers.DictField(required=False, help_text="Other options of the kind.")
    constitution = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="ID of a constitution, for kinds that take one; by default the project's newest one.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "constitution" in attrs and not KINDS[attrs["kind"]].takes_principles:
            kinds = " or ".join(name for name, kind in KINDS.items() if kind.takes_principles)
            raise serializers.ValidationError({"constitution": f"Only the kinds {kinds} take a constitution."})
        return attrs


def judge_settings(project: Project, values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `save_judge` and `draft_judge`, from the values of a JudgeSettingsSerializer."""
    options = {**values.get("options", {}), **{name: values[name] for name in KIND_OPTIONS if name in values}}
    pk = values.get("constitution")
    return {
        "project": project,
        "endpoint": Endpoint.objects.named(values["endpoint"], project),
        "kind": values["kind"],
        "name": values.get("name", ""),
        "prompt": values.get("prompt"),
        "options": options,
        "constitution": None if pk is None else constitution_in(project, pk),
    }


class JudgeFilter(django_filters.FilterSet):  # type: ignore[misc]
    archived = ArchivedFilter()
    name = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=[(name, name) for name in KINDS])


class JudgeList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="judges_list", parameters=parameters_of(JudgeFilter), responses=JudgeSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List all versions of the project's judges, those of files included."""
        judges = Judge.objects.filter(project=project_of(request, slug, "browse"))
        judges = filtered(JudgeFilter, request, judges.select_related("endpoint", "constitution"))
        return page_of(self, request, judges, JudgeSerializer)

    @extend_schema(request=JudgeSettingsSerializer, responses={201: WholeJudgeSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Save a judge: other settings under the same name are a new version, the same ones are not."""
        project = project_of(request, slug, "estimate")
        serializer = JudgeSettingsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        judge = save_judge(**judge_settings(project, serializer.validated_data), created_by=user_of(request))
        return Response(WholeJudgeSerializer(judge).data, status=201)


class JudgeDetail(Deletable):
    kind = "judge"

    @extend_schema(responses=WholeJudgeSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(WholeJudgeSerializer(judge_of(request, pk, "browse")).data)
