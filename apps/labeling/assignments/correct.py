"""Corrections by labelers: a submitted assignment says something new, and what it said before is kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.services import record_event
from apps.core.errors import Conflict
from apps.labeling.assignments.hooks import run_submission_hooks
from apps.labeling.assignments.submit import ground_of, store_labels
from apps.labeling.models import (
    Assignment,
    Critique,
    CritiqueRating,
    PastSubmission,
    PreferenceLabel,
    Protocol,
    Round,
    StepLabel,
)
from apps.labeling.progress import lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.protocols.submission import Submission, SubmittedCritique, SubmittedPreference, SubmittedStep

_OTHER_SIDE = {"left": "right", "right": "left"}


def why_not_correctable(assignment: Assignment) -> str | None:
    """What speaks against its labeler's correction, as a sentence; None when nothing does."""
    round_ = assignment.round
    if assignment.state == Assignment.State.RETURNED:
        waits = "A reviewer has returned it to you: it comes to you before any new task"
        return f"{assignment.task.withdrawal or waits}."
    reasons = (
        (not assignment.is_submitted, "Only what you have submitted can be corrected."),
        (
            assignment.corrected_by_id is not None,
            "A reviewer has corrected it: their ratings count, and yours are kept beside them.",
        ),
        (not round_.allows_corrections, "This round takes no corrections."),
        (
            round_.status != Round.Status.OPEN,
            f"This round is {round_.get_status_display()}: what you said there stands.",
        ),
        (round_.protocol == Protocol.BRANCHING, "A path that others may build on cannot be corrected."),
    )
    return next((sentence for holds, sentence in reasons if holds), None)


@transaction.atomic
def correct(
    *, assignment: Assignment, submission: Submission, now: datetime | None = None, seen: int | None = None
) -> Assignment:
    """Replace what a labeler submitted by what they say now. The same submission again changes nothing.

    Raises Conflict when the round does not allow it, when a reviewer has corrected it, or when there have been more
    corrections than the `seen` ones; Unprocessable when the protocol is not satisfied.
    The time of the first submission stands; active time adds up.
    """
    now = now or timezone.now()
    lock_progress(assignment.round, assignment.labeler_id)
    held = Assignment.objects.select_for_update(of=("self",)).select_related("task").get(pk=assignment.pk)
    held.round, held.labeler = assignment.round, assignment.labeler
    digest = submission.digest()
    if held.is_submitted and held.digest == digest:
        return held
    if (refused := why_not_correctable(held)) is not None:
        raise Conflict(refused, code="not_correctable")
    if seen is not None and seen != held.versions:
        raise Conflict("It was corrected on another page since you saw it.", code="corrected_elsewhere")
    ground = ground_of(held)
    PROTOCOLS[held.round.protocol].check(submission, ground.asked)
    before = put_aside(held, now)
    held.finish_reason, held.reason = submission.finish_reason, submission.reason.strip()
    held.active_ms = _sum(held.active_ms, submission.active_ms)
    held.idle_ms = _sum(held.idle_ms, submission.idle_ms)
    held.digest, held.versions, held.progress = digest, held.versions + 1, None
    held.save(update_fields=["finish_reason", "reason", "active_ms", "idle_ms", "digest", "versions", "progress"])
    store_labels(held, submission, ground)
    run_submission_hooks(held, now)
    record_event(
        actor=held.labeler,
        verb="assignment.corrected",
        target=str(held.pk),
        project=held.round.project.slug,
        before=before.to_dict(),
        after=submission.to_dict(),
    )
    return held


def _sum(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more


def put_aside(assignment: Assignment, now: datetime) -> Submission:
    """Keep what the labeler said as a past submission, and clear the tables for what they say next."""
    before, number = said_of(assignment), assignment.versions + 1
    last = assignment.past.order_by("-number").first()
    PastSubmission.objects.create(
        assignment=assignment,
        number=number,
        said=before.to_dict(),
        replaced_at=now,
        submitted_at=last.replaced_at if last is not None else assignment.submitted_at or now,
    )
    StepLabel.objects.filter(assignment=assignment).delete()
    PreferenceLabel.objects.filter(assignment=assignment).delete()
    CritiqueRating.objects.filter(assignment=assignment).delete()
    Critique.objects.filter(written_in=assignment).delete()
    return before


def said_of(assignment: Assignment) -> Submission:
    """The submission that stands, read back from its labels: as the labeler saw and said it."""
    labels = StepLabel.objects.filter(assignment=assignment).select_related("step")
    steps = [
        SubmittedStep(
            position=label.step.position,
            candidate=label.step.candidate,
            rating=label.rating,
            unsure=bool(label.unsure),
            chosen=label.chosen,
        )
        for label in labels.order_by("step__position", "step__candidate")
    ]
    return Submission(
        steps=steps,
        finish_reason=assignment.finish_reason,
        reason=assignment.reason,
        preference=_preference_of(assignment),
        progress=assignment.progress,
        critiques=_critiques_of(assignment),
        active_ms=assignment.active_ms,
        idle_ms=assignment.idle_ms,
    )


def _preference_of(assignment: Assignment) -> SubmittedPreference | None:
    label = PreferenceLabel.objects.filter(assignment=assignment).first()
    if label is None:
        return None
    choice = _OTHER_SIDE.get(label.choice, label.choice) if assignment.sides_swapped else label.choice
    return SubmittedPreference(choice=choice, margin=label.margin, rationale=label.rationale)


def _critiques_of(assignment: Assignment) -> list[SubmittedCritique]:
    rated = CritiqueRating.objects.filter(assignment=assignment).order_by("critique_id")
    written = Critique.objects.filter(written_in=assignment).order_by("pk")
    return [SubmittedCritique(id=one.critique_id, rating=one.rating) for one in rated] + [
        SubmittedCritique(text=one.text) for one in written
    ]
