"""Evaluations in the admin, read-only."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.evaluation.models import Evaluation


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "kind", "status", "created_at", "finished_at", "requested_by"]
    list_filter = ["status", "kind", "project"]
    list_select_related = ["project", "requested_by"]
    search_fields = ["project__slug"]
