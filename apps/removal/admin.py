"""Deletions in the admin: read-only, and continued if they have failed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin
from apps.removal.models import Deletion
from apps.removal.services import continue_deletion


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "title", "slug", "status", "done", "total", "requested_by", "created_at"]
    list_filter = ["status", "kind"]
    list_select_related = ["requested_by"]
    search_fields = ["title", "slug"]
    actions = ["go_on"]

    @admin.action(description="Continue the selected deletions that have failed", permissions=["act"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Deletion]) -> None:
        self.act(request, queryset, lambda deletion: continue_deletion(deletion=deletion), done="continued")
