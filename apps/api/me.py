"""What is one's own, whatever the project."""

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
        child=serializers.CharField(trim_whitespace=False), help_text="Command to key, for those that were changed."
    )


class Keys(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(responses=KeysSerializer)
    def get(self, request: Request) -> Response:
        """Your keys of the labeling page, as far as you have changed them."""
        return Response({"keys": user_of(request).key_map})

    @extend_schema(request=KeysSerializer, responses=KeysSerializer)
    def put(self, request: Request) -> Response:
        """Keep your keys; none: all as they were."""
        given = KeysSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = set_key_map(user=user_of(request), keys=given.validated_data["keys"])
        return Response({"keys": user.key_map})
