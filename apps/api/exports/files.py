"""The files of an export: a list of them, each by name, and all in one archive."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import export_of
from apps.core.errors import NotFound
from apps.core.http.downloads import download, download_joined
from apps.core.numbers import parse_number
from apps.exports.files.archive import archive_of
from apps.exports.files.storage import export_file, export_files

MOST_PARTS = 999_999
FILE_RESPONSES: dict[Any, Any] = {
    (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The file."),
    (206, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The range of it."),
    304: OpenApiResponse(description="The file is the one that `If-None-Match` names."),
    416: OpenApiResponse(description="The file has no such range."),
}


class FileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True, help_text="Null for the card and the manifest.")
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Also the file's ETag.")
    url = serializers.URLField()


class ExportFiles(APIView):
    @extend_schema(responses=FileSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The card, the manifest and the parts of a finished export, with the address of each."""
        files = [
            {
                "name": file.name,
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "url": request.build_absolute_uri(reverse("api-export-file", args=[pk, file.name])),
            }
            for file in export_files(export_of(request, pk))
        ]
        return Response(files)


class ExportFileView(APIView):
    @extend_schema(responses=FILE_RESPONSES)
    def get(self, request: Request, pk: int, name: str) -> HttpResponseBase:
        """One file, or the range of it that a `Range` header asks for; `If-Range` with the ETag is honoured."""
        file = export_file(export_of(request, pk), name)
        return download(_plain(request), file.path, etag=file.sha256)


class ExportDownload(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("part", int, description="Which part, from 0, when there are several.")],
        responses=FILE_RESPONSES,
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """A part by its number, or the one range of it that a `Range` header asks for."""
        number = parse_number(request.query_params.get("part", "0"), biggest=MOST_PARTS)
        if number is None:
            raise serializers.ValidationError({"part": f"Must be a whole number from 0 to {MOST_PARTS}."})
        export = export_of(request, pk)
        if number >= len(export.parts):
            raise NotFound("No such file.")
        file = export_file(export, export.parts[number]["name"])
        return download(_plain(request), file.path, etag=file.sha256)


class ExportArchive(APIView):
    @extend_schema(responses=FILE_RESPONSES)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """All files in one tar, whole or by range: `load_dataset` loads the folder that it contains."""
        archive = archive_of(export_of(request, pk))
        return download_joined(_plain(request), archive.pieces, name=archive.name, etag=archive.etag)


def _plain(request: Request) -> HttpRequest:
    plain: HttpRequest = request._request  # noqa: SLF001 - downloads take Django's request
    return plain
