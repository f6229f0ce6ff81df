"""Constitutions of a project."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.pagination import Pages, page_of
from apps.judging.judges import save_constitution
from apps.judging.models import Constitution

NAME = r"^[a-z0-9][a-z0-9-]*$"
MOST_PRINCIPLES = 100


class PrincipleSerializer(serializers.Serializer[Any]):
    name = serializers.RegexField(NAME, max_length=100, help_text="Small letters, digits and hyphens.")
    critique = serializers.CharField(max_length=4000, help_text="Asks for a critique of a solution.")
    revision = serializers.CharField(max_length=4000, help_text="Asks for a revision of the solution.")
    question = serializers.CharField(max_length=4000, help_text="Asks which of two solutions is better.")


class ConstitutionSerializer(serializers.ModelSerializer[Constitution]):
    principles = PrincipleSerializer(many=True)

    class Meta:
        model = Constitution
        fields = ["id", "name", "version", "principles", "created_at"]


class NewConstitutionSerializer(serializers.Serializer[Any]):
    name = serializers.RegexField(NAME, max_length=100, help_text="Small letters, digits and hyphens.")
    principles = serializers.ListField(child=PrincipleSerializer(), min_length=1, max_length=MOST_PRINCIPLES)


class ConstitutionList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="constitutions_list", responses=ConstitutionSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List all versions of the project's constitutions. The one in the box joins them when a judge first uses it."""
        constitutions = Constitution.objects.filter(project=project_of(request, slug, "browse"))
        return page_of(self, request, constitutions, ConstitutionSerializer)

    @extend_schema(request=NewConstitutionSerializer, responses={201: ConstitutionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Save a constitution: other principles under the same name are a new version, the same ones are not."""
        project = project_of(request, slug, "estimate")
        serializer = NewConstitutionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        constitution = save_constitution(
            project=project, values={**values, "title": values["name"]}, created_by=user_of(request)
        )
        return Response(ConstitutionSerializer(constitution).data, status=201)
