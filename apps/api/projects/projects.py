"""Projects: list, create, read, change and delete."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import ArchivedFilter, filtered, parameters_of
from apps.api.pagination import Pages, page_of
from apps.api.removal import ConfirmedSerializer, DeletionSerializer, deleted
from apps.projects.models import Project
from apps.projects.services import found_project, update_project
from apps.removal.kinds import KINDS
from apps.verifiers.registry import VERIFIERS


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = [
            "slug",
            "name",
            "description",
            "verifier",
            "shows_scores",
            "renders_texts",
            "created_at",
            "archived_at",
        ]


class NewProjectSerializer(serializers.Serializer[Project]):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=200, required=False, default="")
    description = serializers.CharField(required=False, default="", allow_blank=True)
    verifier = serializers.ChoiceField(choices=sorted(VERIFIERS), required=False, default="math")


class ProjectChangesSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["name", "description", "shows_scores", "renders_texts"]


class ProjectFilter(django_filters.FilterSet):  # type: ignore[misc]
    archived = ArchivedFilter()


class ProjectList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="projects_list",
        parameters=parameters_of(ProjectFilter),
        responses=ProjectSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The projects that you are a member of."""
        projects = filtered(ProjectFilter, request, Project.objects.visible_to(user_of(request)))
        return page_of(self, request, projects, ProjectSerializer)

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

    @extend_schema(request=ProjectChangesSerializer, responses=ProjectSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change the settings of the project, as its owner. The slug stays: addresses and scripts use it."""
        project = project_of(request, slug, "manage_members")
        body = ProjectChangesSerializer(project, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        settings = {"name": project.name, "description": project.description, **body.validated_data}
        project = update_project(project=project, actor=user_of(request), **settings)
        return Response(ProjectSerializer(project).data)

    @extend_schema(request=ConfirmedSerializer, responses={202: DeletionSerializer})
    def delete(self, request: Request, slug: str) -> Response:
        """Delete the project with everything in it, as its owner; `confirmation` is its name. A worker does it."""
        project = project_of(request, slug, "manage_members")
        body = ConfirmedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return deleted(request, KINDS["project"], project, project, confirmation=body.validated_data["confirmation"])
