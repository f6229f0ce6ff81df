"""Invitations: links by which people join a project."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.pagination import Pages, page_of
from apps.core.errors import NotFound
from apps.projects.models import Invitation, Role
from apps.projects.services import invite, revoke_invitation


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    invited_by = serializers.EmailField(source="invited_by.email", default=None, allow_null=True)

    class Meta:
        model = Invitation
        fields = ["id", "role", "invited_by", "uses_left", "created_at", "expires_at"]


class NewInvitationSerializer(serializers.Serializer[Invitation]):
    role = serializers.ChoiceField(choices=Role.choices, default=Role.LABELER, help_text="At most your own.")
    uses = serializers.IntegerField(min_value=1, max_value=1000, default=1, help_text="Number of people.")
    days = serializers.IntegerField(min_value=1, max_value=365, default=7, help_text="Days until it expires.")


class CreatedInvitationSerializer(InvitationSerializer):
    url = serializers.URLField(help_text="The link, with its secret: it is shown in this answer only.")

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "url"]


class InvitationList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="invitations_list", responses=InvitationSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The links that can be used now, without their secrets: only hashes of them are stored."""
        project = project_of(request, slug, "invite")
        QuerySerializer(data=request.query_params).is_valid(raise_exception=True)
        invitations = Invitation.objects.filter(project=project).select_related("invited_by")
        return page_of(self, request, invitations.usable(timezone.now()), InvitationSerializer)

    @extend_schema(request=NewInvitationSerializer, responses={201: CreatedInvitationSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Create a link. 403 `not_allowed` for a role above your own."""
        project = project_of(request, slug, "invite")
        body = NewInvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        invitation, secret = invite(project=project, invited_by=user_of(request), **body.validated_data)
        url = request.build_absolute_uri(reverse("join", args=[secret]))
        row = {**InvitationSerializer(invitation).data, "url": url}
        return Response(row, status=201, headers={"Cache-Control": "no-store"})


class InvitationDetail(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Revoke the link. Members who joined with it stay."""
        project = project_of(request, slug, "invite")
        invitation = Invitation.objects.filter(project=project, pk=pk).select_related("project").first()
        if invitation is None:
            raise NotFound("No such invitation.")
        revoke_invitation(invitation=invitation, actor=user_of(request))
        return Response(status=204)
