"""The guidelines of a project, in versions."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.pagination import Pages
from apps.core.errors import NotFound
from apps.projects.models import Guideline
from apps.projects.permissions import can, membership_of
from apps.projects.services import LONGEST_GUIDELINES, publish_guidelines


class GuidelineVersionSerializer(serializers.ModelSerializer[Guideline]):
    author = serializers.SerializerMethodField(help_text="Who published it. Null for labelers, who are not told.")

    class Meta:
        model = Guideline
        fields = ["version", "author", "created_at"]

    def get_author(self, guideline: Guideline) -> str | None:
        return str(guideline.author) if guideline.author and self.context["shows_author"] else None


class GuidelineSerializer(GuidelineVersionSerializer):
    class Meta(GuidelineVersionSerializer.Meta):
        fields = [*GuidelineVersionSerializer.Meta.fields, "text"]


class NewGuidelineSerializer(serializers.Serializer[Guideline]):
    text = serializers.CharField(
        max_length=LONGEST_GUIDELINES, help_text="Markdown, with formulas between dollar signs."
    )


class GuidelineList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="guidelines_list", responses=GuidelineVersionSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The versions, oldest first, without their texts."""
        project = project_of(request, slug, "view")
        QuerySerializer(data=request.query_params).is_valid(raise_exception=True)
        versions = Guideline.objects.filter(project=project).select_related("author").defer("text")
        context = {"shows_author": can(membership_of(user_of(request), project), "browse")}
        pages = Pages()
        page = pages.paginate_queryset(versions, request, view=self)
        return pages.get_paginated_response(GuidelineVersionSerializer(page, many=True, context=context).data)

    @extend_schema(request=NewGuidelineSerializer, responses={201: GuidelineSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Publish a new version. The text of the newest one again publishes nothing, and returns that."""
        project = project_of(request, slug, "edit_guidelines")
        body = NewGuidelineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        guideline = publish_guidelines(project=project, text=body.validated_data["text"], author=user_of(request))
        return Response(GuidelineSerializer(guideline, context={"shows_author": True}).data, status=201)


class GuidelineDetail(APIView):
    @extend_schema(responses=GuidelineSerializer)
    def get(self, request: Request, slug: str, version: int) -> Response:
        project = project_of(request, slug, "view")
        found = Guideline.objects.filter(project=project, version=version) if version < 2**31 else None
        guideline = found.select_related("author").first() if found is not None else None
        if guideline is None:
            raise NotFound("The guidelines have no such version.")
        context = {"shows_author": can(membership_of(user_of(request), project), "browse")}
        return Response(GuidelineSerializer(guideline, context=context).data)
