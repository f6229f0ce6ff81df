"""The members of a project: roles, skills and suspensions."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import filtered, parameters_of
from apps.api.pagination import Pages
from apps.api.removal import deleted
from apps.core.errors import NotFound
from apps.labeling.activity import submission_counts
from apps.projects.models import Membership, Project, Role
from apps.projects.services import LONGEST_SKILL, add_member_by_email, change_role, set_skills
from apps.quality.gold.suspensions import active_suspensions, lift, suspend
from apps.quality.models import Suspension
from apps.removal.kinds import KINDS


class SuspensionSerializer(serializers.ModelSerializer[Suspension]):
    by = serializers.EmailField(source="by.email", default=None, allow_null=True, help_text="Null: by gold.")

    class Meta:
        model = Suspension
        fields = ["reason", "by", "at"]


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """Needs `submitted` and `suspensions` in the context: both by id."""

    email = serializers.SerializerMethodField(help_text="Null for the labelers of imported files, who have no account.")
    name = serializers.CharField(source="user.name", allow_blank=True)
    submitted = serializers.SerializerMethodField(help_text="Submissions that filled a slot.")
    suspension = serializers.SerializerMethodField(help_text="Null unless the member is suspended.")

    class Meta:
        model = Membership
        fields = [
            "id",
            "email",
            "name",
            "role",
            "status",
            "pseudonym",
            "skills",
            "joined_at",
            "submitted",
            "suspension",
        ]

    @extend_schema_field(serializers.EmailField(allow_null=True))
    def get_email(self, member: Membership) -> str | None:
        return None if member.status == Membership.Status.IMPORTED else member.user.email

    def get_submitted(self, member: Membership) -> int:
        return int(self.context["submitted"].get(member.user_id, 0))

    @extend_schema_field(SuspensionSerializer(allow_null=True))
    def get_suspension(self, member: Membership) -> Any:
        suspension = self.context["suspensions"].get(member.pk)
        return None if suspension is None else SuspensionSerializer(suspension).data


class NewMemberSerializer(serializers.Serializer[Membership]):
    email = serializers.EmailField(help_text="Of a user who shares a project with you. Others join by invitation.")
    role = serializers.ChoiceField(choices=Role.choices, default=Role.LABELER)


class MemberChangesSerializer(serializers.Serializer[Membership]):
    role = serializers.ChoiceField(choices=Role.choices, required=False, help_text="Only owners change roles.")
    skills = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_SKILL),
        required=False,
        max_length=100,
        help_text="Rounds may require them.",
    )


class SuspensionReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class MemberFilter(django_filters.FilterSet):  # type: ignore[misc]
    role = django_filters.ChoiceFilter(choices=Role.choices)
    status = django_filters.ChoiceFilter(choices=Membership.Status.choices)
    email = django_filters.CharFilter(field_name="user__email", lookup_expr="iexact")


def member_of(project: Project, pk: int) -> Membership:
    member = Membership.objects.select_related("user", "project").filter(project=project, pk=pk).first()
    if member is None:
        raise NotFound("No such member.")
    return member


def _rows(project: Project, members: list[Membership]) -> Any:
    context = {
        "submitted": submission_counts(project),
        "suspensions": active_suspensions(members),
    }
    return MemberSerializer(members, many=True, context=context).data


def _row(project: Project, pk: int) -> Response:
    return Response(_rows(project, [member_of(project, pk)])[0])


class MemberList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="members_list", parameters=parameters_of(MemberFilter), responses=MemberSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        """The members of the project, the labelers of imported files included."""
        project = project_of(request, slug, "invite")
        pages = Pages()
        members = Membership.objects.filter(project=project).select_related("user")
        members = filtered(MemberFilter, request, members)
        page: list[Membership] = pages.paginate_queryset(members, request, view=self) or []
        return pages.get_paginated_response(_rows(project, page))

    @extend_schema(request=NewMemberSerializer, responses={201: MemberSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Add a user who shares a project with you, as an owner. 409 `is_member` for who is a member already."""
        project = project_of(request, slug, "manage_members")
        body = NewMemberSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        member = add_member_by_email(project=project, actor=user_of(request), **body.validated_data)
        return Response(_rows(project, [member_of(project, member.pk)])[0], status=201)


class MemberDetail(APIView):
    @extend_schema(responses=MemberSerializer)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        return _row(project_of(request, slug, "invite"), pk)

    @extend_schema(request=MemberChangesSerializer, responses=MemberSerializer)
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Set the member's skills; as an owner, their role."""
        project = project_of(request, slug, "invite")
        body = MemberChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        member, actor = member_of(project, pk), user_of(request)
        if "role" in body.validated_data:
            project_of(request, slug, "manage_members")
            change_role(membership=member, role=body.validated_data["role"], actor=actor)
        if "skills" in body.validated_data:
            set_skills(membership=member, skills=body.validated_data["skills"], actor=actor)
        return _row(project, pk)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Remove a member who has done nothing in the project yet. 409 `held` for others, who can be suspended."""
        project = project_of(request, slug, "manage_members")
        return deleted(request, KINDS["member"], member_of(project, pk), project)


class SuspendMember(APIView):
    @extend_schema(request=SuspensionReasonSerializer, responses=MemberSerializer)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Suspend the member: they get no more work, and their labels no longer count."""
        project = project_of(request, slug, "manage_members")
        body = SuspensionReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        suspend(membership=member_of(project, pk), reason=body.validated_data["reason"], by=user_of(request))
        return _row(project, pk)


class ReinstateMember(APIView):
    @extend_schema(request=None, responses=MemberSerializer)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Lift the member's suspension. Only gold tasks from now on count for a new one."""
        project = project_of(request, slug, "manage_members")
        lift(membership=member_of(project, pk), by=user_of(request))
        return _row(project, pk)
