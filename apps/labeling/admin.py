"""Rounds, tasks, assignments and labels in the admin, read-only: people's labels are never edited there."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from apps.accounts.models import User
from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.core.admin_words import NOTHING, admin_link, words_table
from apps.core.errors import Conflict
from apps.corpus.admin_words import LabelAdmin, rating_words
from apps.corpus.models import Comparison, Solution, Step
from apps.labeling.models import (
    Assignment,
    CandidateSet,
    Critique,
    CritiqueRating,
    GoldLabel,
    PastSubmission,
    PreferenceLabel,
    ReportDismissal,
    Reservation,
    Round,
    RoundProgress,
    SavedView,
    StepLabel,
    Task,
)
from apps.labeling.queue.leases import expire_leases
from apps.labeling.rounds.services import set_round_status

LONGEST_STEP = 600


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    site_page = ("round", lambda row: [row.project.slug, row.number])
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
    actions = ["pause", "open_again", "close", "expire"]

    @admin.action(description="Pause the selected rounds", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Round]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda round_: _set_status(round_, Round.Status.PAUSED, actor), done="paused")

    @admin.action(description="Open the selected paused rounds again", permissions=["act"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Round]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda round_: _set_status(round_, Round.Status.OPEN, actor), done="open")

    @admin.action(description="Close the selected rounds", permissions=["act"])
    def close(self, request: HttpRequest, queryset: QuerySet[Round]) -> None:
        actor = cast("User", request.user)
        self.act(request, queryset, lambda round_: _set_status(round_, Round.Status.CLOSED, actor), done="closed")

    @admin.action(description="Expire the leases that are over in the selected rounds", permissions=["act"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Round]) -> None:
        count = sum(expire_leases(round_id=round_.pk) for round_ in queryset)
        self.message_user(request, f"{count} expired.")


def _set_status(round_: Round, status: Round.Status, actor: User) -> Round:
    """Raises Conflict for a round that is not open or paused: a draft opens on its page, and what is closed stays closed."""
    if round_.status not in (Round.Status.OPEN, Round.Status.PAUSED):
        raise Conflict(f"It is {round_.get_status_display()}.")
    return set_round_status(round=round_, status=status, actor=actor)


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
    in_menu = False
    list_display = ["labeler", "round", "submitted"]
    list_filter = ["round__project"]
    list_select_related = ["labeler", "round"]
    search_fields = ["labeler__email", "labeler__name"]


@admin.register(Assignment)
class AssignmentAdmin(BigTableAdmin):
    extra = ("solution_text", "ratings")
    site_page = ("assignment", lambda row: [row.round.project.slug, row.pk])
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
    list_select_related = ["round__project", "labeler"]
    raw_id_fields = ["task", "labeler"]
    numbers = ("pk", "task_id")
    search_help_text = "The ID of an assignment or of its task."

    @admin.display(description="solution")
    def solution_text(self, assignment: Assignment) -> SafeString | str:
        solution_id = assignment.task.solution_id
        if solution_id is None:
            return admin_link(Comparison, assignment.task.comparison_id, str(assignment.task.comparison))
        return admin_link(Solution, solution_id, f"solution {solution_id}")

    @admin.display(description="ratings")
    def ratings(self, assignment: Assignment) -> SafeString | str:
        """The labels with the steps' texts; of a comparison, what is preferred."""
        labels = assignment.step_labels.select_related("step").order_by("step__position", "step__candidate")
        rows = [(*_step(label.step), _label(label), "yes" if label.chosen else "") for label in labels]
        preference = PreferenceLabel.objects.filter(assignment=assignment).first()
        if preference is not None:
            return " ".join(filter(None, (preference.get_choice_display(), preference.margin, preference.rationale)))
        return words_table(("step", "text", "rating", "goes on from it"), rows) if rows else NOTHING


@admin.register(PastSubmission)
class PastSubmissionAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "assignment_id", "number", "submitted_at", "replaced_at"]
    raw_id_fields = ["assignment"]
    numbers = ("pk", "assignment_id")
    search_help_text = "The ID of a past submission or of its assignment."


@admin.register(StepLabel)
class StepLabelAdmin(LabelAdmin):
    list_display = ["id", "assignment_id", "step_id", "rating", "unsure", "chosen"]
    raw_id_fields = ["assignment", "step"]
    numbers = ("pk", "assignment_id", "step_id")
    search_help_text = "The ID of a label, of its assignment or of its step."


@admin.register(GoldLabel)
class GoldLabelAdmin(LabelAdmin):
    list_display = ["id", "step_id", "rating", "origin", "explanation"]
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
class CritiqueRatingAdmin(LabelAdmin):
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


@admin.register(Reservation)
class ReservationAdmin(BigTableAdmin):
    list_display = ["id", "task_id", "labeler", "by", "at", "assignment_id"]
    list_select_related = ["labeler", "by"]
    raw_id_fields = ["task", "round", "labeler", "by", "assignment"]
    numbers = ("pk", "task_id", "assignment_id")
    search_help_text = "The ID of a reservation, of its task or of its assignment."


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    site_page = ("tasks", lambda row: [row.project.slug])
    list_display = ["project", "name", "owner", "is_shared", "created_at"]
    list_select_related = ["project", "owner"]
    search_fields = ["name", "project__slug"]


def _step(step: Step) -> tuple[str, str]:
    candidate = f", candidate {step.candidate + 1}" if step.candidate or not step.chosen else ""
    return f"{step.position + 1}{candidate}", Truncator(step.text).chars(LONGEST_STEP)


def _label(label: StepLabel) -> str:
    return "unsure" if label.unsure else rating_words(label.rating)
