"""The admin of scoring runs and scores."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.scoring.models import RewardModel, ScoringRun, ScoringShard, SolutionScore, StepScore


@admin.register(RewardModel)
class RewardModelAdmin(ReadOnlyAdmin):
    list_display = ["project", "endpoint", "kind"]
    list_filter = ["kind", "project"]
    list_select_related = ["project", "endpoint"]
    search_fields = ["endpoint__name", "project__slug"]


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    list_display = ["project", "number", "model", "kind", "origin", "status", "done", "total", "created_at"]
    list_filter = ["status", "kind", "project"]
    list_select_related = ["project"]
    search_fields = ["model", "project__slug"]


@admin.register(ScoringShard)
class ScoringShardAdmin(BigTableAdmin):
    list_display = ["id", "run", "after", "upto", "holder", "leased_until", "finished_at"]
    list_select_related = ["run"]
    numbers = ("pk", "run_id")
    search_help_text = "The ID of a shard or of its run."


@admin.register(StepScore)
class StepScoreAdmin(BigTableAdmin):
    list_display = ["id", "run", "step_id", "score"]
    list_select_related = ["run"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a score or of its step."


@admin.register(SolutionScore)
class SolutionScoreAdmin(BigTableAdmin):
    list_display = ["id", "run", "solution_id", "score", "missing", "failure", "is_applied", "replaced"]
    list_select_related = ["run"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a result or of its solution."
