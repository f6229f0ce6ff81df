"""Projects, members, guidelines and invitations in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import TabularInline

from apps.core.admin import HouseAdmin, ReadOnlyAdmin
from apps.projects.models import Guideline, Invitation, Membership, Project


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    fields = ["user", "role", "status", "pseudonym", "joined_at"]
    readonly_fields = ["pseudonym", "joined_at"]
    autocomplete_fields = ["user"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


@admin.register(Project)
class ProjectAdmin(HouseAdmin):
    list_display = ["name", "slug", "verifier", "created_at"]
    list_filter = ["verifier"]
    search_fields = ["name", "slug"]
    readonly_fields = ["slug", "created_at"]
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A project without an owner could be entered by nobody: the pages and `create_project` make them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Millions of rows hang on a project; no page should load them to ask whether they may go."""
        return False


@admin.register(Membership)
class MembershipAdmin(HouseAdmin):
    list_display = ["user", "project", "role", "status", "pseudonym", "joined_at"]
    list_filter = ["role", "status", "project"]
    list_select_related = ["user", "project"]
    search_fields = ["user__email", "user__name", "pseudonym", "project__slug"]
    autocomplete_fields = ["user", "project"]
    readonly_fields = ["pseudonym", "joined_at"]


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
