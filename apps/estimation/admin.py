"""The admin of estimation runs, their results and rollouts, and of sampling runs."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.corpus.admin_words import LabelAdmin
from apps.estimation.models import (
    EstimationRun,
    Rollout,
    RolloutBatch,
    SampledProblem,
    SamplingRun,
    Shard,
    SolutionEstimate,
    StepEstimate,
)
from apps.estimation.runs.services import cancel_run, pause_run
from apps.estimation.sampling.services import cancel_sampling, pause_sampling


@admin.register(EstimationRun)
class EstimationRunAdmin(ReadOnlyAdmin):
    site_page = ("run", lambda row: [row.project.slug, row.number])
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
    actions = ["pause", "cancel"]

    @admin.action(description="Pause the selected runs", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[EstimationRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: pause_run(run=run, actor=actor), done="paused")

    @admin.action(description="Cancel the selected runs", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[EstimationRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: cancel_run(run=run, actor=actor), done="cancelled")


@admin.register(StepEstimate)
class StepEstimateAdmin(BigTableAdmin):
    list_display = ["id", "run", "step_id", "rollouts", "successes", "missing", "hard"]
    list_select_related = ["run"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of an estimate or of its step."


@admin.register(Shard)
class ShardAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "run", "after", "upto", "holder", "leased_until", "finished_at"]
    list_select_related = ["run"]
    numbers = ("pk", "run_id")
    search_help_text = "The ID of a shard or of its run."


@admin.register(SolutionEstimate)
class SolutionEstimateAdmin(LabelAdmin):
    list_display = ["id", "run", "solution_id", "first_error", "probability", "by_answer", "failure"]
    list_select_related = ["run"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a result or of its solution."


@admin.register(RolloutBatch)
class RolloutBatchAdmin(BigTableAdmin):
    list_display = ["id", "run", "step_id", "ordinal", "outcomes", "tokens", "reason"]
    list_select_related = ["run"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a batch or of its step."


@admin.register(Rollout)
class RolloutAdmin(BigTableAdmin):
    list_display = ["id", "batch_id", "index", "answer", "outcome"]
    raw_id_fields = ["batch"]
    numbers = ("pk", "batch_id")
    search_help_text = "The ID of a rollout or of its batch."


@admin.register(SamplingRun)
class SamplingRunAdmin(ReadOnlyAdmin):
    site_page = ("sampling", lambda row: [row.project.slug, row.number])
    list_display = ["project", "number", "generator", "per_problem", "status", "solutions", "duplicates", "created_at"]
    list_filter = ["status", "project"]
    list_select_related = ["project"]
    search_fields = ["generator", "project__slug"]
    actions = ["pause", "cancel"]

    @admin.action(description="Pause the selected runs", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[SamplingRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: pause_sampling(run=run, actor=actor), done="paused")

    @admin.action(description="Cancel the selected runs", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[SamplingRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: cancel_sampling(run=run, actor=actor), done="cancelled")


@admin.register(SampledProblem)
class SampledProblemAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "run", "problem_id", "failure"]
    list_select_related = ["run"]
    raw_id_fields = ["problem"]
    numbers = ("pk", "problem_id")
    search_help_text = "The ID of a row or of its problem."
