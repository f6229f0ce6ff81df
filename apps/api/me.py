"""The signed-in user's own settings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.accounts.services import set_key_map
from apps.api.access import user_of


class KeysSerializer(serializers.Serializer[Any]):
    keys = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False), help_text="From command to key, for changed keys only."
    )


class Keys(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(responses=KeysSerializer)
    def get(self, request: Request) -> Response:
        """The keys of the labeling page that you have changed."""
        return Response({"keys": user_of(request).key_map})

    @extend_schema(request=KeysSerializer, responses=KeysSerializer)
    def put(self, request: Request) -> Response:
        """Save your keys. An empty object resets all of them to their defaults."""
        serializer = KeysSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = set_key_map(user=user_of(request), keys=serializer.validated_data["keys"])
        return Response({"keys": user.key_map})
