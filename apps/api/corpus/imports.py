"""Imports: send a file, follow its progress, cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import import_of, project_of, user_of
from apps.api.filters import ArchivedFilter, StatusFilter, filtered, parameters_of
from apps.api.pagination import Pages, page_of
from apps.api.parsers import MultiPartParser
from apps.api.removal import Deletable
from apps.core.errors import DomainError
from apps.core.http.uploads import check_upload
from apps.core.json_input import read_json_object
from apps.corpus.imports.readers import READER_NAMES
from apps.corpus.models import ImportBatch, ImportFinding
from apps.corpus.services import cancel_import, create_import

# Findings of each kind in one answer. The findings download has all of them.
SHOWN = 1000


class FindingSerializer(serializers.ModelSerializer[ImportFinding]):
    class Meta:
        model = ImportFinding
        fields = ["line", "field", "reason"]


class ListedImportSerializer(serializers.ModelSerializer[ImportBatch]):
    """Without the findings, which may be long."""

    seconds = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = ImportBatch
        fields = [
            "id",
            "status",
            "filename",
            "format",
            "rows",
            "problems",
            "solutions",
            "steps",
            "labels",
            "rejected",
            "skipped_existing",
            "differences",
            "ignored",
            "done",
            "total",
            "error",
            "created_at",
            "started_at",
            "finished_at",
            "seconds",
        ]


class ImportSerializer(ListedImportSerializer):
    rejected_rows = serializers.SerializerMethodField(help_text=f"At most {SHOWN}.")
    differing_solutions = serializers.SerializerMethodField(help_text=f"At most {SHOWN}.")

    class Meta(ListedImportSerializer.Meta):
        fields = [*ListedImportSerializer.Meta.fields, "rejected_rows", "differing_solutions"]

    @extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/Finding"}})
    def get_rejected_rows(self, batch: ImportBatch) -> list[Mapping[str, Any]]:
        return self._findings(batch, ImportFinding.Kind.REJECTED)

    @extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/Finding"}})
    def get_differing_solutions(self, batch: ImportBatch) -> list[Mapping[str, Any]]:
        return self._findings(batch, ImportFinding.Kind.DIFFERENCE)

    def _findings(self, batch: ImportBatch, kind: str) -> list[Mapping[str, Any]]:
        return [*batch.findings.filter(kind=kind).values("line", "field", "reason")[:SHOWN]]


class NewImportSerializer(serializers.Serializer[ImportBatch]):
    file = serializers.FileField(help_text="JSON Lines, a JSON array, CSV or TSV, plain, gzip or zstd; or Parquet.")
    format = serializers.ChoiceField(choices=READER_NAMES)
    options = serializers.CharField(
        required=False,
        default="",
        help_text='JSON: `{"mapping": {"problem.statement": "messages[0].content"}, "split": "newline"}`. jsonl, '
        "preference, kto, label-studio and argilla accept a mapping; the latter two also `meanings` of choices.",
    )

    def validate_options(self, value: str) -> dict[str, Any]:
        if not value.strip():
            return {}
        try:
            return read_json_object(value)
        except DomainError as error:
            raise serializers.ValidationError(error.message) from error


class AcceptedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.CharField()


class ImportFilter(StatusFilter):
    archived = ArchivedFilter()
    format = django_filters.ChoiceFilter(choices=[(name, name) for name in READER_NAMES])


class ImportList(APIView):
    parser_classes = [MultiPartParser]
    pagination_class = Pages

    @extend_schema(
        operation_id="imports_list",
        parameters=parameters_of(ImportFilter),
        responses=ListedImportSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """The project's imports, oldest first."""
        imports = ImportBatch.objects.filter(project=project_of(request, slug, "import"))
        return page_of(self, request, filtered(ImportFilter, request, imports), ListedImportSerializer)

    @extend_schema(request={"multipart/form-data": NewImportSerializer}, responses={202: AcceptedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Send a file. A worker imports it; `/imports/{id}` reports the progress."""
        project = project_of(request, slug, "import")
        serializer = NewImportSerializer(data=request.data)
        check_upload(request.META)
        serializer.is_valid(raise_exception=True)
        file = serializer.validated_data["file"]
        batch = create_import(
            project=project,
            file=file,
            filename=file.name,
            format=serializer.validated_data["format"],
            options=serializer.validated_data["options"],
            uploaded_by=user_of(request),
        )
        return Response({"id": batch.pk, "status": batch.status}, status=202)


class ImportDetail(Deletable):
    kind = "import"

    @extend_schema(responses=ImportSerializer)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Progress, counts, and the rejected rows with line number, field and reason."""
        return Response(ImportSerializer(import_of(request, pk)).data)


class ImportCancel(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Stop the import. Rows that are stored stay."""
        batch = cancel_import(batch=import_of(request, pk), actor=user_of(request))
        return Response(ImportSerializer(batch).data)
