"""Label policies that the project has saved by name."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, saved_policy_of, user_of
from apps.api.exports.exports import RowsSerializer
from apps.api.pagination import Pages
from apps.exports.models import SavedPolicy
from apps.exports.services import NAME_LENGTH, delete_policy, save_policy


class SavedPolicySerializer(serializers.ModelSerializer[SavedPolicy]):
    class Meta:
        model = SavedPolicy
        fields = ["id", "name", "format", "policy", "saved_at"]


class NewPolicySerializer(RowsSerializer):
    name = serializers.CharField(max_length=NAME_LENGTH)


class PolicyList(APIView):
    pagination_class = Pages

    @extend_schema(responses=SavedPolicySerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The project's saved policies."""
        policies = SavedPolicy.objects.filter(project=project_of(request, slug, "export"))
        pages = Pages()
        page = pages.paginate_queryset(policies, request, view=self) or []
        return pages.get_paginated_response(SavedPolicySerializer(page, many=True).data)

    @extend_schema(request=NewPolicySerializer, responses={201: SavedPolicySerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Save a policy under a name, in place of an earlier one of that name."""
        project = project_of(request, slug, "export")
        serializer = NewPolicySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        policy = save_policy(project=project, saved_by=user_of(request), **serializer.validated_data)
        return Response(SavedPolicySerializer(policy).data, status=201)


class PolicyDetail(APIView):
    @extend_schema(responses=SavedPolicySerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(SavedPolicySerializer(saved_policy_of(request, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete the saved policy. Exports keep the policy that they were made with."""
        delete_policy(policy=saved_policy_of(request, pk), actor=user_of(request))
        return Response(status=204)
