"""Admin pages of consensus, disputes, gold, reviews, figures, trust and cascades.

They are read-only, as workers and reviewers make the rows.
"""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import BigTableAdmin, ReadOnlyAdmin
from apps.corpus.admin_words import LabelAdmin
from apps.quality.admin_members import MemberSuspensionAdmin
from apps.quality.admin_solutions import SolutionLabelsAdmin
from apps.quality.models import (
    AlsoAcceptable,
    BlindPool,
    BlindSample,
    Cascade,
    CascadeLabel,
    Consensus,
    DisputeCount,
    FastMark,
    Figure,
    GoldMark,
    JudgeCertificate,
    NotedJudgeRun,
    NotedRun,
    OpenDispute,
    QualityRules,
    Review,
    SampledSolution,
    StaleSolution,
    StepConsensus,
    Suspension,
)

__all__ = ["MemberSuspensionAdmin", "SolutionLabelsAdmin"]  # Their imports register them.


@admin.register(QualityRules)
class QualityRulesAdmin(ReadOnlyAdmin):
    list_display = ["project", "rule", "suspends", "pass_mark", "minimum", "stale_all", "computed_at"]
    list_filter = ["rule", "suspends"]
    list_select_related = ["project"]
    search_fields = ["project__slug"]


@admin.register(Consensus)
class ConsensusAdmin(LabelAdmin):
    list_display = [
        "solution_id",
        "project",
        "state",
        "how",
        "first_error",
        "certainty",
        "people",
        "adjudicated_by",
        "at",
    ]
    list_filter = ["state", "how"]
    list_select_related = ["project", "adjudicated_by"]
    raw_id_fields = ["solution", "adjudicated_by"]
    search_help_text = "The ID of a solution."


@admin.register(StepConsensus)
class StepConsensusAdmin(LabelAdmin):
    list_display = ["step_id", "rating", "certainty", "how"]
    list_filter = ["rating", "how"]
    raw_id_fields = ["step"]
    search_help_text = "The ID of a step."


@admin.register(OpenDispute)
class OpenDisputeAdmin(BigTableAdmin):
    list_display = ["solution_id", "project", "kind", "since"]
    list_select_related = ["project"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a dispute or of its solution."


@admin.register(DisputeCount)
class DisputeCountAdmin(ReadOnlyAdmin):
    in_menu = False
    list_display = ["project", "kind", "count"]
    list_select_related = ["project"]
    search_fields = ["kind", "project__slug"]


@admin.register(AlsoAcceptable)
class AlsoAcceptableAdmin(BigTableAdmin):
    list_display = ["solution_id", "first_errors"]
    raw_id_fields = ["solution"]
    search_help_text = "The ID of a solution."


@admin.register(GoldMark)
class GoldMarkAdmin(BigTableAdmin):
    list_display = ["assignment_id", "project", "round", "labeler", "exact", "within_one", "steps_right", "steps", "at"]
    list_filter = ["exact"]
    list_select_related = ["project", "round", "labeler"]
    raw_id_fields = ["assignment", "round", "labeler"]
    search_help_text = "The ID of an assignment."


@admin.register(FastMark)
class FastMarkAdmin(BigTableAdmin):
    list_display = ["assignment_id", "project", "labeler", "active_ms", "floor_ms"]
    list_select_related = ["project", "labeler"]
    raw_id_fields = ["assignment", "labeler"]
    search_help_text = "The ID of an assignment."


@admin.register(Suspension)
class SuspensionAdmin(ReadOnlyAdmin):
    list_display = ["membership", "reason", "by", "at", "lifted_by", "lifted_at"]
    list_select_related = ["membership__project", "membership__user", "by", "lifted_by"]
    search_fields = ["membership__user__email", "membership__project__slug", "reason"]


@admin.register(Review)
class ReviewAdmin(BigTableAdmin):
    list_display = ["id", "assignment_id", "decision", "reviewer", "note", "at"]
    list_filter = ["decision"]
    list_select_related = ["reviewer"]
    raw_id_fields = ["assignment", "reviewer"]
    numbers = ("pk", "assignment_id")
    search_help_text = "The ID of a review or of its assignment."


@admin.register(Figure)
class FigureAdmin(ReadOnlyAdmin):
    in_menu = False
    list_display = ["project", "name", "scope", "at"]
    list_select_related = ["project"]
    search_fields = ["name", "project__slug"]


@admin.register(StaleSolution)
class StaleSolutionAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "solution_id", "project"]
    list_select_related = ["project"]
    raw_id_fields = ["solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a row or of its solution."


@admin.register(NotedRun)
class NotedRunAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["run"]
    raw_id_fields = ["run"]
    search_help_text = "The ID of an estimation run."


@admin.register(NotedJudgeRun)
class NotedJudgeRunAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["run"]
    raw_id_fields = ["run"]
    search_help_text = "The ID of a judge run."


@admin.register(BlindSample)
class BlindSampleAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "round", "pool", "created_by", "created_at"]
    list_select_related = ["project", "round", "created_by"]
    search_fields = ["project__slug", "round__name"]


@admin.register(BlindPool)
class BlindPoolAdmin(ReadOnlyAdmin):
    in_menu = False
    list_display = ["sample"]
    list_select_related = ["sample__round"]
    search_fields = ["sample__project__slug"]
    exclude = ["ids"]  # Up to 100,000 numbers.


@admin.register(SampledSolution)
class SampledSolutionAdmin(BigTableAdmin):
    in_menu = False
    list_display = ["id", "sample", "solution_id"]
    list_select_related = ["sample__round"]
    raw_id_fields = ["sample", "solution"]
    numbers = ("pk", "sample_id", "solution_id")
    search_help_text = "The ID of a row, of its sample or of its solution."


@admin.register(JudgeCertificate)
class JudgeCertificateAdmin(ReadOnlyAdmin):
    list_display = ["judge", "project", "sample", "is_granted", "bar", "solutions", "created_by", "created_at"]
    list_filter = ["is_granted"]
    list_select_related = ["judge", "project", "sample__round", "created_by"]
    search_fields = ["judge__name", "project__slug"]


@admin.register(Cascade)
class CascadeAdmin(ReadOnlyAdmin):
    site_page = ("cascade", lambda row: [row.project.slug, row.number])
    list_display = ["number", "project", "status", "alpha", "tau", "bound", "labels_by_machines", "created_at"]
    list_filter = ["status"]
    list_select_related = ["project"]
    raw_id_fields = ["estimation_run", "judge_runs", "sample"]
    search_fields = ["project__slug", "reason"]


@admin.register(CascadeLabel)
class CascadeLabelAdmin(LabelAdmin):
    list_display = ["id", "cascade", "solution_id", "first_error", "posterior", "is_label"]
    list_select_related = ["cascade"]
    raw_id_fields = ["cascade", "solution"]
    numbers = ("pk", "solution_id")
    search_help_text = "The ID of a row or of its solution."
