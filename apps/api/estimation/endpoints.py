"""Endpoints: the model servers of a project."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import endpoint_of, project_of, user_of
from apps.api.filters import ArchivedFilter, filtered, parameters_of
from apps.api.pagination import Pages, page_of
from apps.api.removal import Deletable
from apps.inference.models import Endpoint
from apps.inference.services import SETTINGS, add_endpoint, change_endpoint, check_endpoint
from apps.inference.transports import TRANSPORTS


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """API keys are never returned."""

    has_key = serializers.BooleanField()
    is_shared = serializers.SerializerMethodField(help_text="Whether it belongs to the installation.")
    stop = serializers.ListField(child=serializers.CharField())
    refused_settings = serializers.ListField(child=serializers.CharField(), help_text="Found by a check or a run.")

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "name",
            "url",
            "model",
            "transport",
            "max_in_flight",
            "timeout_s",
            "has_key",
            "is_shared",
            "system_prompt",
            "problem_template",
            "prefix_end",
            "stop",
            "sends_extras",
            "price_in",
            "price_out",
            "checked_at",
            "check_error",
            "refused_settings",
            "echoes_prefill",
        ]

    def get_is_shared(self, endpoint: Endpoint) -> bool:
        return endpoint.project_id is None


class NewEndpointSerializer(serializers.Serializer[Endpoint]):
    name = serializers.CharField(max_length=60)
    url = serializers.CharField(max_length=500, help_text="Base URL, as in http://127.0.0.1:8080/v1")
    model = serializers.CharField(max_length=200)
    api_key = serializers.CharField(max_length=1000, default="", allow_blank=True, write_only=True)
    transport = serializers.ChoiceField(
        choices=[(kind.name, kind.title) for kind in TRANSPORTS.values()], required=False
    )
    max_in_flight = serializers.IntegerField(min_value=1, max_value=10_000, required=False)
    timeout_s = serializers.FloatField(min_value=1, max_value=3600, required=False)
    system_prompt = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    problem_template = serializers.CharField(required=False, trim_whitespace=False, help_text="Must contain {problem}.")
    prefix_end = serializers.CharField(max_length=20, required=False, allow_blank=True, trim_whitespace=False)
    stop = serializers.ListField(child=serializers.CharField(trim_whitespace=False), required=False)
    sends_extras = serializers.BooleanField(required=False, help_text="Whether it accepts top_k and min_p.")
    price_in = serializers.DecimalField(12, 6, min_value=0, required=False, help_text="Per million prompt tokens.")
    price_out = serializers.DecimalField(12, 6, min_value=0, required=False, help_text="Per million completion tokens.")


class EndpointChangesSerializer(NewEndpointSerializer):
    name = None  # type: ignore[assignment]
    api_key = serializers.CharField(
        max_length=1000, allow_blank=True, write_only=True, help_text="Left out: the stored key stays; empty: none."
    )


class EndpointFilter(django_filters.FilterSet):  # type: ignore[misc]
    archived = ArchivedFilter()


class EndpointList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="endpoints_list",
        parameters=parameters_of(EndpointFilter),
        responses=EndpointSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the project's own endpoints and those of the installation that it may use."""
        project = project_of(request, slug, "estimate")
        endpoints = filtered(EndpointFilter, request, Endpoint.objects.seen_in(project))
        return page_of(self, request, endpoints, EndpointSerializer)

    @extend_schema(request=NewEndpointSerializer, responses={201: EndpointSerializer})
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, "manage_endpoints")
        serializer = NewEndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        endpoint = add_endpoint(
            project=project,
            name=data["name"],
            url=data["url"],
            model=data["model"],
            api_key=data["api_key"],
            created_by=user_of(request),
            settings=_settings(data),
        )
        return Response(EndpointSerializer(endpoint).data, status=201)


class EndpointDetail(Deletable):
    """One of the project's own. Those of the installation are the operator's."""

    kind = "endpoint"

    @extend_schema(responses=EndpointSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(EndpointSerializer(endpoint_of(request, pk)).data)

    @extend_schema(request=EndpointChangesSerializer, responses=EndpointSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change its settings. Another host needs the key again: it is not sent to an address that it was not meant for."""
        endpoint = endpoint_of(request, pk)
        serializer = EndpointChangesSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        changed = change_endpoint(
            endpoint=endpoint,
            url=data.get("url", endpoint.url),
            model=data.get("model", endpoint.model),
            api_key=data.get("api_key"),
            actor=user_of(request),
            settings=_settings(data),
        )
        return Response(EndpointSerializer(changed).data)


class EndpointCheck(APIView):
    @extend_schema(request=None, responses=EndpointSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Request a few tokens, and say what the endpoint supports; `check_error` if it fails."""
        return Response(EndpointSerializer(check_endpoint(endpoint=endpoint_of(request, pk))).data)


def _settings(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in SETTINGS if name in data}
