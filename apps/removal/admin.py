"""Deletions in the admin, read-only."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.removal.models import Deletion


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "title", "slug", "status", "done", "total", "requested_by", "created_at"]
    list_filter = ["status", "kind"]
    list_select_related = ["requested_by"]
    search_fields = ["title", "slug"]
