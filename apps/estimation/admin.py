"""Monte Carlo runs and their estimates in the admin."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.estimation.models import EstimationRun, StepEstimate


@admin.register(EstimationRun)
class EstimationRunAdmin(ReadOnlyAdmin):
    list_display = [
        "project",
        "number",
        "strategy",
        "completer",
        "origin",
        "status",
        "done",
        "total",
        "created_at",
    ]
    list_filter = ["status", "strategy", "project"]
    list_select_related = ["project"]
    search_fields = ["completer", "project__slug"]


@admin.register(StepEstimate)
class StepEstimateAdmin(BigTableAdmin):
    list_display = ["id", "run", "step_id", "rollouts", "successes", "missing", "hard"]
    list_select_related = ["run"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The number of an estimate or of its step."
