"""Submitting an assignment."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.core.db.prepared import fetch, run
from apps.core.errors import Conflict
from apps.core.jobs.wakeups import delay_on_commit
from apps.labeling.assignments.context import AssignmentContext
from apps.labeling.assignments.hooks import run_submission_hooks
from apps.labeling.assignments.labels import store_labels
from apps.labeling.assignments.replies import check_reply
from apps.labeling.assignments.seen_answers import has_seen_answer
from apps.labeling.assignments.submissions import added_time
from apps.labeling.models import Assignment, Task
from apps.labeling.progress import count_submission, lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.protocols.submission import Submission
from apps.labeling.queue.reserved_slots import use_reservation

State = Assignment.State
# The labeler no longer holds the task, and may submit it all the same.
LATE = (State.EXPIRED, State.RELEASED, State.SKIPPED)

_LOCK = "SELECT state, digest, active_ms, idle_ms FROM labeling_assignment WHERE id = %s FOR UPDATE"

_STORED = ("state", "finish_reason", "reason", "reply", "active_ms", "idle_ms", "submitted_at", "digest")
_STORE = """
UPDATE labeling_assignment SET
    state = %(state)s, finish_reason = %(finish_reason)s, reason = %(reason)s, reply = %(reply)s,
    active_ms = %(active_ms)s, idle_ms = %(idle_ms)s, submitted_at = %(submitted_at)s, digest = %(digest)s
WHERE id = %(pk)s
"""


@transaction.atomic
def submit(*, assignment: Assignment, submission: Submission, now: datetime | None = None) -> Assignment:
    """Store a submission. The same submission again changes nothing.

    A late submission counts if the task still has a free slot; otherwise it is kept as extra. Raises Unprocessable if
    the protocol is not satisfied, Conflict if the assignment was submitted with other labels, belongs to an earlier
    screening attempt, or is late and training has shown its answer.
    """
    now = now or timezone.now()
    progress = lock_progress(assignment.round, assignment.labeler_id)
    ((assignment.state, assignment.digest, *times),) = fetch(_LOCK, [assignment.pk])
    digest = submission.digest()
    if assignment.is_submitted:
        if assignment.digest == digest:
            _enqueue_grading(assignment)
            return assignment
        raise Conflict("You have submitted this task with other labels.", code="already_submitted")
    if assignment.state == State.RETAKEN:
        raise Conflict("This task belongs to an earlier attempt at the screening.", code="retaken")
    if assignment.state in LATE and has_seen_answer(assignment):
        raise Conflict(
            "You have seen the answer to this task in training since you began it: it can no longer be submitted.",
            code="answer_seen",
        )
    check_reply(assignment, submission)
    context = AssignmentContext.load(assignment)
    PROTOCOLS[assignment.round.protocol].check(submission, context)
    assignment.state = fill_slot(assignment)
    assignment.finish_reason, assignment.reason = submission.finish_reason, submission.reason.strip()
    assignment.reply = submission.reply.strip()
    # A returned assignment has the time of its earlier submissions, to which this one's is added.
    assignment.active_ms, assignment.idle_ms = map(added_time, times, (submission.active_ms, submission.idle_ms))
    assignment.submitted_at, assignment.digest = now, digest
    run(_STORE, {name: getattr(assignment, name) for name in ("pk", *_STORED)})
    store_labels(assignment, submission, context)
    count_submission(progress, counts=assignment.state == State.SUBMITTED, is_gold=assignment.task.is_gold)
    run_submission_hooks(assignment, now)
    _enqueue_grading(assignment)
    return assignment


def _enqueue_grading(assignment: Assignment) -> None:
    """Also when a submission is repeated: the message of the first may have been lost."""
    if assignment.derived_solution_id is not None:
        delay_on_commit("apps.labeling.tasks.grade_derived_solution", assignment.derived_solution_id)


def fill_slot(assignment: Assignment) -> Assignment.State:
    """SUBMITTED if the assignment holds a slot of its task or can take a free one, else EXTRA."""
    if assignment.state == State.LEASED:
        return State.SUBMITTED
    task = Task.objects.filter(pk=assignment.task_id)
    if assignment.state == State.RETURNED:  # It has kept its slot, unless the task was withdrawn.
        return State.SUBMITTED if task.filter(withdrawn="").exists() else State.EXTRA
    siblings = Assignment.objects.filter(task=assignment.task_id, labeler=assignment.labeler_id)
    siblings = siblings.exclude(pk=assignment.pk)
    # The labeler may hold a new lease on the same task: then this assignment takes over that lease's slot.
    if siblings.filter(state=State.LEASED).update(state=State.RELEASED):
        return State.SUBMITTED
    # One that a reviewer returned has kept its slot too, and the labeler goes on with that.
    if siblings.filter(state__in=(State.SUBMITTED, State.RETURNED)).exists():
        return State.EXTRA
    if use_reservation(assignment):
        return State.SUBMITTED
    is_free = task.filter(open_slots__gt=0).update(open_slots=F("open_slots") - 1)
    return State.SUBMITTED if is_free else State.EXTRA
