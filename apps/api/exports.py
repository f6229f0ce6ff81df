"""Exports: ask for a training file, follow its progress, download it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import export_of, project_of, user_of
from apps.api.corpus.imports import AcceptedSerializer
from apps.core.http.downloads import download
from apps.core.numbers import parse_number
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.services import cancel_export, create_export, part_path
from apps.exports.writers import CONTAINERS

MOST_PARTS = 999_999


class ExportSerializer(serializers.ModelSerializer[Export]):
    class Meta:
        model = Export
        fields = [
            "id",
            "status",
            "format",
            "container",
            "policy",
            "rows",
            "bytes",
            "sha256",
            "manifest",
            "parts",
            "done",
            "total",
            "error",
            "created_at",
            "finished_at",
        ]


class NewExportSerializer(serializers.Serializer[Export]):
    format = serializers.ChoiceField(choices=sorted(FORMATS))
    container = serializers.ChoiceField(choices=CONTAINERS, default="jsonl")
    policy = serializers.DictField(
        default=dict, help_text="The label policy. Keys that are left out have their defaults."
    )


class ExportList(APIView):
    @extend_schema(request=NewExportSerializer, responses={202: AcceptedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for a training file. A worker writes it; `/exports/{id}` reports the progress."""
        project = project_of(request, slug, "export")
        serializer = NewExportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        export = create_export(project=project, requested_by=user_of(request), **serializer.validated_data)
        return Response({"id": export.pk, "status": export.status}, status=202)


class ExportDetail(APIView):
    @extend_schema(responses=ExportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ExportSerializer(export_of(request, pk)).data)


class ExportCancel(APIView):
    @extend_schema(request=None, responses=ExportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Stop the export and remove what is written of it."""
        return Response(ExportSerializer(cancel_export(export=export_of(request, pk), actor=user_of(request))).data)


class ExportDownload(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("part", int, description="Which file, from 0, when the policy makes splits.")],
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The file."),
            (206, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The range of it."),
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The file, or the one range of it that a `Range` header asks for."""
        part = parse_number(request.query_params.get("part", "0"), biggest=MOST_PARTS)
        if part is None:
            raise serializers.ValidationError({"part": f"Must be a whole number from 0 to {MOST_PARTS}."})
        plain: HttpRequest = request._request  # noqa: SLF001 - `download` takes Django's request
        return download(plain, part_path(export_of(request, pk), part))
