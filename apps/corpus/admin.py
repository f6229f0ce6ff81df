"""Problems, solutions, steps and imports in the admin, read-only: imports and graders write them."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from apps.accounts.models import User
from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.corpus.models import Comparison, ImportBatch, ImportFinding, Problem, Solution, Step, Upload
from apps.corpus.services import cancel_import


@admin.register(Problem)
class ProblemAdmin(BigTableAdmin):
    site_page = ("problem", lambda row: [row.project.slug, row.pk])
    list_display = ["id", "project", "external_id", "short_statement", "reference_answer", "subject", "level"]
    list_filter = ["project"]
    list_select_related = ["project"]
    texts = ("external_id",)
    search_help_text = "The ID of a problem, or its exact external ID."

    @admin.display(description="statement")
    def short_statement(self, problem: Problem) -> str:
        return Truncator(problem.statement).chars(90)


@admin.register(Solution)
class SolutionAdmin(BigTableAdmin):
    site_page = ("solution", lambda row: [row.project.slug, row.pk])
    list_display = [
        "id",
        "project",
        "problem_id",
        "external_id",
        "source",
        "final_answer",
        "is_correct",
        "claimed_correct",
        "grade",
        "graded_by",
        "step_count",
    ]
    list_filter = ["project", "grade", "is_correct"]
    list_select_related = ["project"]
    raw_id_fields = ["problem"]
    numbers = ("pk", "problem_id")
    texts = ("external_id",)
    search_help_text = "The ID of a solution or of its problem, or an exact external ID."


@admin.register(Step)
class StepAdmin(BigTableAdmin):
    list_display = ["id", "solution_id", "position", "candidate", "chosen", "origin", "short_text"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a step or of its solution."

    @admin.display(description="text")
    def short_text(self, step: Step) -> str:
        return Truncator(step.text).chars(120)


@admin.register(Comparison)
class ComparisonAdmin(BigTableAdmin):
    list_display = [
        "id",
        "project",
        "problem_id",
        "left_id",
        "right_id",
        "left_step_id",
        "right_step_id",
        "shared_steps",
    ]
    list_filter = ["project"]
    list_select_related = ["project"]
    raw_id_fields = ["problem", "left", "right", "left_step", "right_step"]
    numbers = ("pk", "problem_id", "left_id", "right_id")
    texts = ("external_id",)
    search_help_text = "The ID of a comparison, of its problem or of a side, or an exact external ID."


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    site_page = ("import", lambda row: [row.project.slug, row.pk])
    list_display = [
        "id",
        "project",
        "filename",
        "format",
        "status",
        "rows",
        "solutions",
        "steps",
        "labels",
        "rejected",
        "differences",
        "created_at",
        "uploaded_by",
    ]
    list_filter = ["status", "format", "project"]
    list_select_related = ["project", "uploaded_by"]
    search_fields = ["filename"]
    actions = ["cancel"]

    @admin.action(description="Cancel the selected imports", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ImportBatch]) -> None:
        actor = cast("User", request.user)
        self.act(
            request, queryset, lambda batch: cancel_import(batch=batch, actor=actor), done="cancelled, or ended before"
        )


@admin.register(ImportFinding)
class ImportFindingAdmin(BigTableAdmin):
    list_display = ["id", "batch_id", "kind", "line", "field", "reason"]
    list_filter = ["kind"]
    numbers = ("batch_id",)
    search_help_text = "The ID of an import."


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    in_menu = False
    list_display = ["id", "project", "filename", "uploaded_by", "created_at"]
    list_filter = ["project"]
    list_select_related = ["project", "uploaded_by"]
