"""Admin pages of judges, their runs and their verdicts."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.judging.models import Judge, JudgeRun, StepVerdict


@admin.register(Judge)
class JudgeAdmin(ReadOnlyAdmin):
    list_display = ["project", "name", "version"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name", "project__slug"]


@admin.register(JudgeRun)
class JudgeRunAdmin(ReadOnlyAdmin):
    list_display = ["project", "number", "judge", "origin", "run_in_file", "batch", "created_at"]
    list_filter = ["project"]
    list_select_related = ["project", "judge", "batch__project"]
    search_fields = ["judge__name", "project__slug"]


@admin.register(StepVerdict)
class StepVerdictAdmin(BigTableAdmin):
    list_display = ["id", "run", "step_id", "rating", "confidence"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a verdict or of its step."
