"""Exports, their differences, saved policies and lists of test problems in the admin, read-only."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import ReadOnlyAdmin
from apps.exports.models import (
    ContaminationList,
    Export,
    ExportDiff,
    ExportPart,
    HubPush,
    ReleaseAudit,
    SavedPolicy,
)
from apps.exports.services import cancel_export


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    site_page = ("export", lambda row: [row.project.slug, row.pk])
    list_display = [
        "id",
        "project",
        "format",
        "container",
        "status",
        "rows",
        "bytes",
        "sha256",
        "created_at",
        "requested_by",
    ]
    list_filter = ["status", "format", "project"]
    list_select_related = ["project", "requested_by"]
    search_fields = ["sha256", "project__slug"]
    actions = ["cancel"]

    @admin.action(description="Cancel the selected exports", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Export]) -> None:
        actor = cast("User", request.user)
        self.act(
            request,
            queryset,
            lambda export: cancel_export(export=export, actor=actor),
            done="cancelled, or ended before",
        )


@admin.register(SavedPolicy)
class SavedPolicyAdmin(ReadOnlyAdmin):
    list_display = ["name", "project", "format", "saved_by", "saved_at"]
    list_select_related = ["project", "saved_by"]


@admin.register(ExportDiff)
class ExportDiffAdmin(ReadOnlyAdmin):
    list_display = ["id", "before", "after", "status", "created_at"]
    list_select_related = ["before__project", "after__project"]


@admin.register(HubPush)
class HubPushAdmin(ReadOnlyAdmin):
    list_display = ["repository", "export", "is_private", "status", "created_at", "requested_by"]
    list_filter = ["status", "is_private"]
    list_select_related = ["export__project", "requested_by"]
    search_fields = ["repository", "export__project__slug"]
    exclude = ["encrypted_token"]


@admin.register(ContaminationList)
class ContaminationListAdmin(ReadOnlyAdmin):
    list_display = ["name", "project", "problems", "sha256", "created_at", "added_by"]
    list_filter = ["project"]
    list_select_related = ["project", "added_by"]
    search_fields = ["name", "sha256", "project__slug"]
    exclude = ["hashes"]


@admin.register(ReleaseAudit)
class ReleaseAuditAdmin(ReadOnlyAdmin):
    list_display = ["export", "status", "share", "gate", "compared", "agreed", "created_by", "created_at", "decided_at"]
    list_filter = ["status", "export__project"]
    list_select_related = ["export__project", "created_by"]


@admin.register(ExportPart)
class ExportPartAdmin(ReadOnlyAdmin):
    in_menu = False
    list_display = ["export", "number", "size", "done", "finished_at"]
    list_select_related = ["export__project"]
