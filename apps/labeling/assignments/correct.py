"""Corrections by labelers: a new submission replaces the previous one, which is archived."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.services import record_event
from apps.core.errors import Conflict
from apps.labeling.assignments.context import AssignmentContext
from apps.labeling.assignments.hooks import run_submission_hooks
from apps.labeling.assignments.labels import store_labels
from apps.labeling.assignments.replies import check_reply
from apps.labeling.assignments.seen_answers import has_seen_answer
from apps.labeling.assignments.submissions import added_time, archive_submission
from apps.labeling.models import Assignment, Protocol, Round
from apps.labeling.progress import lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.protocols.submission import Submission


def why_not_correctable(assignment: Assignment) -> str | None:
    """Why its labeler cannot correct the assignment, as a sentence, as far as a list shows it; None if they can."""
    round_ = assignment.round
    if assignment.state == Assignment.State.RETURNED:
        returned = "A reviewer has returned this task to you: it is served to you before any new task"
        return f"{assignment.task.withdrawal or returned}."
    reasons = (
        (not assignment.is_submitted, "Only a submitted task can be corrected."),
        (
            assignment.corrected_by_id is not None,
            "A reviewer has corrected this task. Their ratings count; yours are kept.",
        ),
        (not round_.allows_corrections, "This round does not allow corrections."),
        (
            round_.status != Round.Status.OPEN,
            f"This round is {round_.get_status_display()}: its submissions can no longer be corrected.",
        ),
        (
            round_.kind == Round.Kind.TRAINING,
            "A submission in a training round stays as it is: its answer has been shown.",
        ),
        (
            round_.protocol == Protocol.BRANCHING,
            "A branching task cannot be corrected, because others may have built on its path.",
        ),
    )
    return next((sentence for applies, sentence in reasons if applies), None)


def refusal_of_correction(assignment: Assignment) -> str | None:
    """As `why_not_correctable`, and with what only another query tells."""
    refusal = why_not_correctable(assignment)
    if refusal is None and has_seen_answer(assignment):
        return "You have seen the answer to this task in training since: your submission stays as it is."
    return refusal


@transaction.atomic
def correct(
    *, assignment: Assignment, submission: Submission, now: datetime | None = None, seen: int | None = None
) -> Assignment:
    """Replace what a labeler submitted. The same submission again changes nothing.

    Raises Conflict if a correction is not allowed, or if there have been more corrections than the `seen` ones;
    Unprocessable if the protocol is not satisfied. The time of the first submission is kept; active time adds up.
    """
    now = now or timezone.now()
    lock_progress(assignment.round, assignment.labeler_id)
    locked = Assignment.objects.select_for_update(of=("self",)).select_related("task").get(pk=assignment.pk)
    locked.round, locked.labeler = assignment.round, assignment.labeler
    digest = submission.digest()
    if locked.is_submitted and locked.digest == digest:
        return locked
    if (refusal := refusal_of_correction(locked)) is not None:
        raise Conflict(refusal, code="not_correctable")
    if seen is not None and seen != locked.versions:
        raise Conflict("This task was corrected on another page since you opened it.", code="corrected_elsewhere")
    check_reply(locked, submission)
    context = AssignmentContext.load(locked)
    PROTOCOLS[locked.round.protocol].check(submission, context)
    before = archive_submission(locked, now)
    locked.finish_reason, locked.reason = submission.finish_reason, submission.reason.strip()
    locked.reply = submission.reply.strip()
    locked.active_ms = added_time(locked.active_ms, submission.active_ms)
    locked.idle_ms = added_time(locked.idle_ms, submission.idle_ms)
    locked.digest, locked.versions, locked.progress = digest, locked.versions + 1, None
    locked.save(
        update_fields=["finish_reason", "reason", "reply", "active_ms", "idle_ms", "digest", "versions", "progress"]
    )
    store_labels(locked, submission, context)
    run_submission_hooks(locked, now)
    record_event(
        actor=locked.labeler,
        verb="assignment.corrected",
        target=str(locked.pk),
        project=locked.round.project.slug,
        before=before.to_dict(),
        after=submission.to_dict(),
    )
    return locked
