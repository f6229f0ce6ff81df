"""Reading a submission back from its labels, and archiving it before it is replaced."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import User
from apps.corpus.comparisons import turned
from apps.labeling.models import (
    Assignment,
    Critique,
    CritiqueRating,
    PastSubmission,
    PreferenceLabel,
    Round,
    StepLabel,
)
from apps.labeling.protocols.submission import Submission, SubmittedCritique, SubmittedPreference, SubmittedStep


def current_submission(assignment: Assignment) -> Submission:
    """The labeler's latest submission, with the sides of a comparison as they were shown, and the steps that they wrote."""
    labels = StepLabel.objects.filter(assignment=assignment).select_related("step")
    steps = [
        SubmittedStep(
            position=label.step.position,
            candidate=label.step.candidate,
            rating=label.rating,
            unsure=bool(label.unsure),
            chosen=label.chosen,
            text=label.step.text if label.is_own_step else None,
            comment=label.comment,
        )
        for label in labels.order_by("step__position", "step__candidate")
    ]
    preference = None
    preference_label = PreferenceLabel.objects.filter(assignment=assignment).first()
    if preference_label is not None:
        choice = turned(preference_label.choice, is_turned=assignment.sides_swapped)
        preference = SubmittedPreference(
            choice=choice, margin=preference_label.margin, rationale=preference_label.rationale
        )
    rated = CritiqueRating.objects.filter(assignment=assignment).order_by("critique_id")
    written = Critique.objects.filter(written_in=assignment).order_by("pk")
    return Submission(
        steps=steps,
        finish_reason=assignment.finish_reason,
        reason=assignment.reason,
        preference=preference,
        progress=assignment.progress,
        critiques=[
            *(SubmittedCritique(id=rating.critique_id, rating=rating.rating) for rating in rated),
            *(SubmittedCritique(text=critique.text) for critique in written),
        ],
        active_ms=assignment.active_ms,
        reply=assignment.reply,
        idle_ms=assignment.idle_ms,
    )


def newest_submission(round_: Round, labeler: User) -> int | None:
    """The id of what the labeler submitted last in the round; None if there is nothing."""
    own = Assignment.objects.submitted().filter(round=round_, labeler=labeler).order_by("-submitted_at", "-pk")
    return own.values_list("pk", flat=True).first()


def added_time(before: int | None, more: int | None) -> int | None:
    """The time of an assignment after another submission of it, in milliseconds; None where no time is known."""
    return before if more is None else (before or 0) + more


def archive_submission(assignment: Assignment, now: datetime, *, note: str = "") -> Submission:
    """Move the current submission to the past ones, delete its labels, and return it.

    `note` is the one with which a reviewer returns it.
    """
    submission = current_submission(assignment)
    latest = assignment.past_submissions.order_by("-number").first()
    PastSubmission.objects.create(
        assignment=assignment,
        number=assignment.versions + 1,
        submission=submission.to_dict(),
        note=note,
        replaced_at=now,
        submitted_at=latest.replaced_at if latest is not None else assignment.submitted_at or now,
    )
    StepLabel.objects.filter(assignment=assignment).delete()
    PreferenceLabel.objects.filter(assignment=assignment).delete()
    CritiqueRating.objects.filter(assignment=assignment).delete()
    Critique.objects.filter(written_in=assignment).delete()
    return submission
