"""Projects, members, guidelines and invitations in the admin, read-only.

Roles are changed on pages and by commands, which revoke invitations, keep an owner and write the audit log.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from apps.accounts.models import User
from apps.core.admin import ReadOnly, ReadOnlyAdmin
from apps.projects.models import Guideline, Invitation, Membership, Project
from apps.projects.services import revoke_invitation


class MembershipInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Membership
    fields = ["user", "role", "status", "pseudonym", "joined_at"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    site_page = ("project", lambda row: [row.slug])
    list_display = ["name", "slug", "verifier", "created_at"]
    list_filter = ["verifier"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    site_page = ("people", lambda row: [row.project.slug])
    list_display = ["user", "project", "role", "status", "pseudonym", "joined_at"]
    list_filter = ["role", "status", "project"]
    list_select_related = ["user", "project"]
    search_fields = ["user__email", "user__name", "pseudonym", "project__slug"]


@admin.register(Guideline)
class GuidelineAdmin(ReadOnlyAdmin):
    list_display = ["project", "version", "author", "created_at"]
    list_filter = ["project"]
    list_select_related = ["project", "author"]
    search_fields = ["project__slug", "text"]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ["project", "role", "uses_left", "invited_by", "created_at", "expires_at", "revoked_at"]
    list_filter = ["role", "project"]
    list_select_related = ["project", "invited_by"]
    search_fields = ["project__slug", "invited_by__email"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected invitations", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        actor = cast("User", request.user)
        self.act(
            request, queryset, lambda invitation: revoke_invitation(invitation=invitation, actor=actor), done="revoked"
        )
