"""Deleting and archiving: what goes, what holds it, and the deletions that a worker does."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.core.errors import NotFound
from apps.projects.models import Project
from apps.projects.permissions import reachable
from apps.removal.kinds import KINDS, Kind, all_rows
from apps.removal.models import Deletion
from apps.removal.services import archive, bring_back, delete, preview_deletion


class PartSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    noun = serializers.CharField()


class DeletionPreviewSerializer(serializers.Serializer[Any]):
    parts = PartSerializer(many=True, help_text="What goes with it.")
    holds = serializers.ListField(
        child=serializers.CharField(), help_text="Why it cannot be deleted; empty where it can."
    )


class DeletionSerializer(serializers.ModelSerializer[Deletion]):
    class Meta:
        model = Deletion
        fields = ["id", "kind", "target", "title", "status", "done", "total", "error", "created_at", "finished_at"]


class ConfirmedSerializer(serializers.Serializer[Any]):
    confirmation = serializers.CharField(max_length=200, help_text="The name of the project.")


DELETES = {
    204: None,
    202: DeletionSerializer,
}


def deleted(request: Request, kind: Kind[Any], row: Any, project: Project, **more: Any) -> Response:
    """Delete the row; 202 where a worker does it. 409 `held`, with what holds it, where it cannot be."""
    deletion = delete(kind=kind, row=row, project=project, actor=user_of(request), **more)
    return Response(status=204) if deletion is None else Response(DeletionSerializer(deletion).data, status=202)


class Deletable(APIView):
    """A view of one row by its id, with DELETE."""

    kind: ClassVar[str]

    @extend_schema(responses=DELETES)
    def delete(self, request: Request, pk: int) -> Response:
        """Delete it. 409 `held` with what holds it; 202 where a worker does it, which `/deletions/{id}` follows."""
        kind = KINDS[self.kind]
        row = reachable(all_rows(kind.model), user_of(request), kind.needs, pk)
        return deleted(request, kind, row, row.project)


class SolutionDetail(Deletable):
    kind = "solution"


def _found(request: Request, slug: str, name: str, pk: int) -> tuple[Kind[Any], Any, Project]:
    """The row of this kind in the project, if the user may delete it there."""
    project = project_of(request, slug, "view")
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f"No such kind: must be one of {', '.join(KINDS)}.")
    project = project_of(request, slug, kind.needs)
    row = kind.rows(project).filter(pk=pk).first()
    if row is None:
        raise NotFound(f"No such {kind.title}.")
    return kind, row, project


class DeletionPreviewView(APIView):
    @extend_schema(responses=DeletionPreviewSerializer)
    def get(self, request: Request, slug: str, kind: str, pk: int) -> Response:
        """What deleting it would take along, and what holds it. Nothing is deleted."""
        found, row, _ = _found(request, slug, kind, pk)
        return Response(DeletionPreviewSerializer(preview_deletion(found, row)).data)


class Archived(APIView):
    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, slug: str, kind: str, pk: int) -> Response:
        """Archive it: lists leave it out. An archived project serves no tasks. 409 while it is at work."""
        found, row, project = _found(request, slug, kind, pk)
        archive(kind=found, row=row, project=project, actor=user_of(request))
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, kind: str, pk: int) -> Response:
        """Bring it back."""
        found, row, project = _found(request, slug, kind, pk)
        bring_back(kind=found, row=row, project=project, actor=user_of(request))
        return Response(status=204)


class DeletionDetail(APIView):
    @extend_schema(responses=DeletionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The progress of a deletion that you asked for."""
        deletion = Deletion.objects.filter(pk=pk, requested_by=user_of(request)).first()
        if deletion is None:
            raise NotFound("No such deletion.")
        return Response(DeletionSerializer(deletion).data)
