"""Rounds, tasks, assignments and labels in the admin, read-only: people's labels are never edited there."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.labeling.models import (
    Assignment,
    CandidateSet,
    Critique,
    CritiqueRating,
    GoldLabel,
    PastSubmission,
    PreferenceLabel,
    ReportDismissal,
    Round,
    RoundProgress,
    StepLabel,
    Task,
)


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    list_display = [
        "project",
        "number",
        "name",
        "protocol",
        "redundancy",
        "gold_share",
        "status",
        "task_count",
        "slot_count",
        "origin",
        "created_at",
    ]
    list_filter = ["status", "protocol", "project"]
    list_select_related = ["project"]
    search_fields = ["name", "project__slug"]


@admin.register(Task)
class TaskAdmin(BigTableAdmin):
    list_display = ["id", "round", "solution_id", "comparison_id", "priority", "is_gold", "open_slots", "withdrawn"]
    list_filter = ["is_gold"]
    list_select_related = ["round"]
    raw_id_fields = ["solution", "comparison"]
    numbers = ("pk", "solution_id", "comparison_id")
    search_help_text = "The ID of a task, of its solution or of its comparison."


@admin.register(RoundProgress)
class RoundProgressAdmin(ReadOnlyAdmin):
    list_display = ["labeler", "round", "submitted"]
    list_filter = ["round__project"]
    list_select_related = ["labeler", "round"]
    search_fields = ["labeler__email", "labeler__name"]


@admin.register(Assignment)
class AssignmentAdmin(BigTableAdmin):
    list_display = [
        "id",
        "round",
        "task_id",
        "labeler",
        "state",
        "finish_reason",
        "leased_until",
        "submitted_at",
        "active_ms",
    ]
    list_filter = ["state"]
    list_select_related = ["round", "labeler"]
    raw_id_fields = ["task", "labeler"]
    numbers = ("pk", "task_id")
    search_help_text = "The ID of an assignment or of its task."


@admin.register(PastSubmission)
class PastSubmissionAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "number", "submitted_at", "replaced_at"]
    raw_id_fields = ["assignment"]
    numbers = ("pk", "assignment_id")
    search_help_text = "The ID of a past submission or of its assignment."


@admin.register(StepLabel)
class StepLabelAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "step_id", "rating", "unsure", "chosen"]
    raw_id_fields = ["assignment", "step"]
    numbers = ("pk", "assignment_id", "step_id")
    search_help_text = "The ID of a label, of its assignment or of its step."


@admin.register(GoldLabel)
class GoldLabelAdmin(BigTableAdmin):
    list_display = ["id", "step_id", "rating", "origin"]
    list_filter = ["rating"]
    raw_id_fields = ["step"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a label or of its step."


@admin.register(PreferenceLabel)
class PreferenceLabelAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "choice", "margin"]
    list_filter = ["choice"]
    raw_id_fields = ["assignment"]
    numbers = ("pk", "assignment_id")
    search_help_text = "The ID of a label or of its assignment."


@admin.register(CandidateSet)
class CandidateSetAdmin(BigTableAdmin):
    list_display = ["id", "task_id", "position", "source", "created_at"]
    raw_id_fields = ["task"]
    numbers = ("pk", "task_id")
    search_help_text = "The ID of a candidate set or of its task."


@admin.register(Critique)
class CritiqueAdmin(BigTableAdmin):
    list_display = ["id", "step_id", "origin", "source", "written_in_id", "created_at"]
    list_filter = ["origin"]
    raw_id_fields = ["step", "written_in"]
    numbers = ("pk", "step_id")
    search_help_text = "The ID of a critique or of its step."


@admin.register(CritiqueRating)
class CritiqueRatingAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "critique_id", "rating"]
    raw_id_fields = ["assignment", "critique"]
    numbers = ("pk", "assignment_id", "critique_id")
    search_help_text = "The ID of a rating, of its assignment or of its critique."


@admin.register(ReportDismissal)
class ReportDismissalAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "reason", "dismissed_by", "dismissed_at"]
    list_select_related = ["dismissed_by"]
    raw_id_fields = ["assignment", "dismissed_by"]
    numbers = ("pk", "assignment_id")
    search_help_text = "The ID of a dismissal or of its assignment."
