"""What differs between two exports."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import export_of
from apps.core.numbers import parse_number
from apps.exports.diffs.services import compare_exports
from apps.exports.models import ExportDiff

BIGGEST_ID = 2**63 - 1


class ExportDiffSerializer(serializers.ModelSerializer[ExportDiff]):
    class Meta:
        model = ExportDiff
        fields = ["id", "before", "after", "status", "result", "error", "created_at", "finished_at"]


class ExportDiffView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("with", int, required=True, description="The later export, of the same format.")],
        responses={200: ExportDiffSerializer, 202: ExportDiffSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Rows and labels that differ from this export to the one in `with`.

        Small files are compared at once. For large ones a worker does it: 202 until `status` is `finished` or `failed`.
        """
        before = export_of(request, pk)
        other = parse_number(request.query_params.get("with", ""), biggest=BIGGEST_ID)
        if other is None:
            raise serializers.ValidationError({"with": "Must be the id of an export."})
        diff = compare_exports(before=before, after=export_of(request, other))
        return Response(ExportDiffSerializer(diff).data, status=200 if diff.has_ended else 202)
