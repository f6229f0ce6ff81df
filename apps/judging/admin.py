"""Admin pages of judges, their runs and their verdicts."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.corpus.admin_words import LabelAdmin
from apps.judging.models import (
    ComparisonVerdict,
    Constitution,
    Judge,
    JudgeReply,
    JudgeRun,
    JudgeShard,
    Revision,
    RunComparison,
    SolutionVerdict,
    StepVerdict,
)
from apps.judging.runs.services import cancel_judging, pause_judging


@admin.register(Constitution)
class ConstitutionAdmin(ReadOnlyAdmin):
    list_display = ["project", "name", "version", "created_by", "created_at"]
    list_filter = ["project"]
    list_select_related = ["project", "created_by"]
    search_fields = ["name", "project__slug"]


@admin.register(Judge)
class JudgeAdmin(ReadOnlyAdmin):
    list_display = ["project", "name", "version", "kind", "model", "constitution"]
    list_filter = ["kind", "project"]
    list_select_related = ["project", "constitution"]
    search_fields = ["name", "model", "project__slug"]


@admin.register(JudgeRun)
class JudgeRunAdmin(ReadOnlyAdmin):
    site_page = ("judge-run", lambda row: [row.project.slug, row.number])
    list_display = ["project", "number", "judge", "status", "done", "total", "origin", "run_in_file", "created_at"]
    list_filter = ["status", "project"]
    list_select_related = ["project", "judge", "batch__project"]
    search_fields = ["judge__name", "project__slug"]
    actions = ["pause", "cancel"]

    @admin.action(description="Pause the selected runs", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[JudgeRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: pause_judging(run=run, actor=actor), done="paused")

    @admin.action(description="Cancel the selected runs", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[JudgeRun]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda run: cancel_judging(run=run, actor=actor), done="cancelled")


@admin.register(StepVerdict)
class StepVerdictAdmin(LabelAdmin):
    list_display = ["id", "run", "step_id", "rating", "confidence"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a verdict or of its step."


@admin.register(SolutionVerdict)
class SolutionVerdictAdmin(LabelAdmin):
    list_display = ["id", "run", "solution_id", "outcome", "first_error", "passes", "share"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a verdict or of its solution."


@admin.register(ComparisonVerdict)
class ComparisonVerdictAdmin(BigTableAdmin):
    list_display = ["id", "run", "comparison_id", "outcome", "choice", "margin", "share", "flips"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["comparison"]
    numbers = ("pk", "comparison_id")
    search_help_text = "The ID of a verdict or of its comparison."


@admin.register(Revision)
class RevisionAdmin(BigTableAdmin):
    list_display = ["id", "run", "solution_id", "ordinal", "principle", "revised_id"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["solution", "revised"]
    numbers = ("pk", "solution_id", "revised_id")
    search_help_text = "The ID of a revision, of its solution or of the revised solution."


@admin.register(JudgeReply)
class JudgeReplyAdmin(BigTableAdmin):
    list_display = ["id", "run", "solution_id", "comparison_id", "slot", "attempt", "outcome", "completion_tokens"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["solution", "comparison"]
    numbers = ("pk", "solution_id", "comparison_id")
    search_help_text = "The ID of a reply, or of its solution or comparison."


@admin.register(RunComparison)
class RunComparisonAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "run", "comparison_id"]
    list_select_related = ["run__judge"]
    raw_id_fields = ["comparison"]
    numbers = ("pk", "comparison_id")
    search_help_text = "The ID of the row or of its comparison."


@admin.register(JudgeShard)
class JudgeShardAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "run", "after", "upto", "holder", "leased_until", "finished_at"]
    list_select_related = ["run__judge"]
    numbers = ("pk", "run_id")
    search_help_text = "The ID of a shard or of its run."
