"""The admin of scoring runs and scores."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.scoring.models import RewardModel, ScoringRun, ScoringShard, SolutionScore, StepScore
from apps.scoring.services import cancel_scoring, pause_scoring


@admin.register(RewardModel)
class RewardModelAdmin(ReadOnlyAdmin):
    list_display = ["project", "endpoint", "kind"]
    list_filter = ["kind", "project"]
    list_select_related = ["project", "endpoint"]
    search_fields = ["endpoint__name", "project__slug"]


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    site_page = ("scoring", lambda row: [row.project.slug, row.number])
    list_display = ["project", "number", "model", "kind", "origin", "status", "done", "total", "created_at"]
    list_filter = ["status", "kind", "project"]
    list_select_related = ["project"]
    search_fields = ["model", "project__slug"]
    actions = ["pause", "cancel"]

    @admin.action(description="Pause the selected runs", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[ScoringRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: pause_scoring(run=run, actor=actor), done="paused")

    @admin.action(description="Cancel the selected runs", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ScoringRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: cancel_scoring(run=run, actor=actor), done="cancelled")


@admin.register(ScoringShard)
class ScoringShardAdmin(BigTableAdmin):
    in_menu = False
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
