"""Pushes of exports to a Hub."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import export_of, user_of
from apps.api.pagination import Pages
from apps.exports.hub.client import LONGEST_REPOSITORY
from apps.exports.hub.services import LONGEST_TOKEN, push_export, pushes_of
from apps.exports.models import HubPush


class HubPushSerializer(serializers.ModelSerializer[HubPush]):
    class Meta:
        model = HubPush
        fields = ["id", "repository", "is_private", "status", "error", "commit", "url", "created_at", "finished_at"]


class NewHubPushSerializer(serializers.Serializer[Any]):
    repository = serializers.CharField(
        max_length=LONGEST_REPOSITORY, help_text="OWNER/NAME of a dataset; it is made if there is none."
    )
    token = serializers.CharField(
        max_length=LONGEST_TOKEN, write_only=True, help_text="Used for this push, and then forgotten."
    )
    is_private = serializers.BooleanField(default=True)


class ExportPushes(APIView):
    pagination_class = Pages

    @extend_schema(responses=HubPushSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The pushes of the export to a Hub."""
        pages = Pages()
        page = pages.paginate_queryset(pushes_of(export_of(request, pk)), request, view=self) or []
        return pages.get_paginated_response(HubPushSerializer(page, many=True).data)

    @extend_schema(request=NewHubPushSerializer, responses={202: HubPushSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Push the files, the card and the manifest to a dataset repository. A worker does it."""
        serializer = NewHubPushSerializer(data=request.data)
        export = export_of(request, pk)
        serializer.is_valid(raise_exception=True)
        push = push_export(export=export, requested_by=user_of(request), **serializer.validated_data)
        return Response(HubPushSerializer(push).data, status=202)
