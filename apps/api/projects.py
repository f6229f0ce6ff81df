"""Projects: list, create, read."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.pagination import Pages
from apps.api.removal import ConfirmedSerializer, DeletionSerializer, deleted
from apps.projects.models import Project
from apps.projects.services import found_project
from apps.removal.kinds import KINDS
from apps.verifiers.registry import VERIFIERS


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["slug", "name", "description", "verifier", "renders_texts", "created_at"]


class NewProjectSerializer(serializers.Serializer[Project]):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=200, required=False, default="")
    description = serializers.CharField(required=False, default="", allow_blank=True)
    verifier = serializers.ChoiceField(choices=sorted(VERIFIERS), required=False, default="math")


class ProjectList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="projects_list", responses=ProjectSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The projects that you are a member of."""
        pages = Pages()
        projects = pages.paginate_queryset(Project.objects.visible_to(user_of(request)), request, view=self)
        return pages.get_paginated_response(ProjectSerializer(projects, many=True).data)

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    def post(self, request: Request) -> Response:
        """Create a project and become its owner. 403 `may_not_found` when the operator does not allow it."""
        serializer = NewProjectSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        project = found_project(founder=user_of(request), **serializer.validated_data)
        return Response(ProjectSerializer(project).data, status=201)


class ProjectDetail(APIView):
    @extend_schema(responses=ProjectSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(ProjectSerializer(project_of(request, slug, "view")).data)

    @extend_schema(request=ConfirmedSerializer, responses={202: DeletionSerializer})
    def delete(self, request: Request, slug: str) -> Response:
        """Delete the project with everything in it, as its owner; `confirmation` is its name. A worker does it."""
        project = project_of(request, slug, "manage_members")
        body = ConfirmedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return deleted(request, KINDS["project"], project, project, confirmation=body.validated_data["confirmation"])
