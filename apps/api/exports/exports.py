"""Exports: ask for training files, follow their progress, preview them, and read the rows as a stream."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import django_filters
import msgspec
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import export_of, project_of, user_of
from apps.api.corpus.imports import AcceptedSerializer
from apps.api.filters import ArchivedFilter, StatusFilter, filtered, parameters_of
from apps.api.pagination import NdjsonRenderer, Pages, page_of
from apps.api.removal import Deletable
from apps.core.errors import DomainError
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMAT_NAMES
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.rows.preview import preview_export
from apps.exports.rows.stream import stream_rows
from apps.exports.services import cancel_export, checked_policy, create_export
from apps.projects.models import Project

logger = logging.getLogger(__name__)


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


class ListedExportSerializer(ExportSerializer):
    """Without manifest and parts, which may be long."""

    class Meta(ExportSerializer.Meta):
        fields = [name for name in ExportSerializer.Meta.fields if name not in ("manifest", "parts")]


class RowsSerializer(serializers.Serializer[Export]):
    format = serializers.ChoiceField(choices=FORMAT_NAMES)
    policy = serializers.DictField(
        default=dict, help_text="The label policy. Keys that are left out have their defaults."
    )


class NewExportSerializer(RowsSerializer):
    container = serializers.ChoiceField(choices=CONTAINERS, default="jsonl")


class ExportFilter(StatusFilter):
    archived = ArchivedFilter()
    format = django_filters.ChoiceFilter(choices=[(name, name) for name in FORMAT_NAMES])


class ExportList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="exports_list",
        parameters=parameters_of(ExportFilter),
        responses=ListedExportSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """The project's exports, oldest first."""
        exports = Export.objects.filter(project=project_of(request, slug, "export")).defer("manifest", "parts")
        return page_of(self, request, filtered(ExportFilter, request, exports), ListedExportSerializer)

    @extend_schema(request=NewExportSerializer, responses={202: AcceptedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for a training file. A worker writes it; `/exports/{id}` reports the progress."""
        project = project_of(request, slug, "export")
        serializer = NewExportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        export = create_export(project=project, requested_by=user_of(request), **serializer.validated_data)
        return Response({"id": export.pk, "status": export.status}, status=202)


class ExportDetail(Deletable):
    kind = "export"

    @extend_schema(responses=ExportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ExportSerializer(export_of(request, pk)).data)


class ExportCancel(APIView):
    @extend_schema(request=None, responses=ExportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Stop the export and remove what is written of it."""
        return Response(ExportSerializer(cancel_export(export=export_of(request, pk), actor=user_of(request))).data)


class ExportPreviewSerializer(serializers.Serializer[Any]):
    rows = serializers.ListField(child=serializers.DictField(), help_text="The first rows.")
    records = serializers.IntegerField(help_text="Solutions and comparisons in the sample.")
    expected_rows = serializers.IntegerField(
        allow_null=True, help_text="Rows of the file: counted, or where the sample is not all, an estimate."
    )
    is_whole = serializers.BooleanField(help_text="Whether the sample is all that the project has.")
    splits = serializers.DictField(child=serializers.IntegerField(), help_text="Rows of the sample by split.")
    counts = serializers.DictField(help_text="As in the manifest, of the sample.")
    warnings = serializers.ListField(child=serializers.CharField())


class ExportPreviewView(APIView):
    scope = ApiToken.Scope.READ

    @extend_schema(request=RowsSerializer, responses=ExportPreviewSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """The first rows and the counts of a sample. Nothing is stored."""
        project, format_, policy = _asked(request, slug)
        preview = preview_export(project=project, format=format_, policy=policy)
        values = msgspec.to_builtins(preview, str_keys=True)
        return Response(values | {"counts": values.pop("tally")})


class ExportStream(APIView):
    scope = ApiToken.Scope.READ
    renderer_classes = [NdjsonRenderer, JSONRenderer]

    @extend_schema(
        request=RowsSerializer,
        responses={(200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "A row on each line.")},
    )
    def post(self, request: Request, slug: str) -> HttpResponseBase:
        """The rows as they would be in the file, while they are made. Nothing is stored.

        If it fails on the way, the last line is `{"error": {"code", "message"}}`; no row has that key.
        """
        project, format_, policy = _asked(request, slug)
        if policy.splits:
            raise DomainError(
                "The policy is not valid: splits: must be empty, since splits are several files and a stream is one.",
                fields={"policy.splits": "must be empty in a stream"},
            )
        lines = _with_error_line(stream_rows(project, format_, policy))
        return StreamingHttpResponse(lines, content_type=NdjsonRenderer.media_type)


def _asked(request: Request, slug: str) -> tuple[Project, str, LabelPolicy]:
    project = project_of(request, slug, "export")
    serializer = RowsSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    format_ = serializer.validated_data["format"]
    return project, format_, checked_policy(format_, serializer.validated_data["policy"], project)


def _with_error_line(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines; after an error, a last line that names it.

    The status is sent by then, and a web server may end the response as if it were complete.
    """
    try:
        yield from lines
    except Exception:
        logger.exception("A stream of rows failed.")
        error = {"code": "failed", "message": "The stream is incomplete: the server failed while it made the rows."}
        yield msgspec.json.encode({"error": error}) + b"\n"
