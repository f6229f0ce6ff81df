"""What labelers hand in: drafts and submissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.core.errors import Conflict
from apps.corpus.models import Step
from apps.labeling.dialogue import KnownStep, Ways
from apps.labeling.growing import store_dialogue
from apps.labeling.models import Assignment, Critique, CritiqueRating, Offer, Protocol, StepLabel, Task
from apps.labeling.protocols import PROTOCOLS, Asked, options_of
from apps.labeling.protocols.first_error import first_bad
from apps.labeling.seats import count_submission, lock_seat
from apps.labeling.submissions import Submission

# --- drafts -----------------------------------------------------------------------------------------------


def save_draft(*, assignment: Assignment, version: int, draft: Mapping[str, Any]) -> int:
    """Keep what has been pressed so far; gives the new version.

    `version` is the one that the page saw last. Raises Conflict, code `stale_draft`, when another
    tab or device has saved since: nothing is overwritten unseen.
    """
    open_states = [Assignment.State.LEASED, Assignment.State.EXPIRED, Assignment.State.RELEASED]
    saved = Assignment.objects.filter(pk=assignment.pk, draft_version=version, state__in=open_states).update(
        draft=dict(draft), draft_version=F("draft_version") + 1
    )
    if saved:
        return version + 1
    assignment.refresh_from_db()
    if assignment.state not in open_states:
        raise Conflict("This task has been submitted.", code="already_submitted")
    raise Conflict("This task was saved elsewhere since you saw it.", code="stale_draft")


# --- submissions ------------------------------------------------------------------------------------------


@transaction.atomic
def submit(*, assignment: Assignment, submission: Submission, now: datetime | None = None) -> Assignment:
    """Take a submission. The same one again changes nothing.

    A late one counts if the task still has a free slot, else it is kept as extra. Raises
    Unprocessable when the protocol is not satisfied, Conflict when another was handed in before.
    """
    now = now or timezone.now()
    seat = lock_seat(assignment.round, assignment.labeler_id)
    locked = Assignment.objects.select_for_update().values_list("state", "digest")
    assignment.state, assignment.digest = locked.get(pk=assignment.pk)
    digest = submission.digest()
    if assignment.state in (Assignment.State.SUBMITTED, Assignment.State.EXTRA):
        if assignment.digest == digest:
            return assignment
        raise Conflict("You have submitted this task with other labels.", code="already_submitted")
    ground = ground_of(assignment)
    PROTOCOLS[assignment.round.protocol].check(submission, ground.asked)
    assignment.state = _state_for(assignment)
    assignment.finish_reason, assignment.reason = submission.finish_reason, submission.reason.strip()
    assignment.active_ms, assignment.idle_ms = submission.active_ms, submission.idle_ms
    assignment.submitted_at, assignment.digest = now, digest
    assignment.save(
        update_fields=["state", "finish_reason", "reason", "active_ms", "idle_ms", "submitted_at", "digest"]
    )
    store_labels(assignment, submission, ground)
    fills_slot = assignment.state == Assignment.State.SUBMITTED and not assignment.task.is_gold
    count_submission(seat, fills_slot=fills_slot, now=now)
    return assignment


@dataclass(frozen=True, slots=True)
class Ground:
    """What an assignment stands on: the ids of its steps by place, and what was asked of them."""

    step_ids: Mapping[tuple[int, int], int]
    asked: Asked


def ground_of(assignment: Assignment) -> Ground:
    steps = list(
        Step.objects.filter(solution=assignment.task.solution_id)
        .order_by()
        .values_list("id", "position", "candidate", "chosen")
    )
    candidates: dict[int, int] = {}
    for _, position, _, _ in steps:
        candidates[position] = candidates.get(position, 0) + 1
    options = options_of(assignment.round.protocol, assignment.round.options)
    needs_texts = assignment.round.protocol == Protocol.BRANCHING or getattr(options, "alternatives", False)
    asked = Asked(
        path={position: candidate for _, position, candidate, chosen in steps if chosen},
        candidates=candidates,
        options=options,
        ways=ways_of(assignment.task) if needs_texts else Ways(),
        critiques=_critiques(assignment) if getattr(options, "critiques", False) else {},
    )
    return Ground({(position, candidate): pk for pk, position, candidate, _ in steps}, asked)


def _critiques(assignment: Assignment) -> dict[int, frozenset[int]]:
    """The ids of those on the solution's path, by position; not what this turn itself wrote."""
    found = Critique.objects.filter(step__solution=assignment.task.solution_id, step__chosen=True)
    ids: dict[int, set[int]] = {}
    for position, pk in found.exclude(written_in=assignment).values_list("step__position", "id"):
        ids.setdefault(position, set()).add(pk)
    return {position: frozenset(some) for position, some in ids.items()}


def ways_of(task: Task) -> Ways:
    """The texts of the task's solution, and all that was sampled for it."""
    steps = Step.objects.filter(solution=task.solution_id).order_by()
    known = [KnownStep(*row) for row in steps.values_list("position", "candidate", "text", "origin", "chosen")]
    return Ways(known, dict(Offer.objects.filter(task=task).values_list("prefix", "texts")))


def store_labels(assignment: Assignment, submission: Submission, ground: Ground) -> None:
    """Every part of what was said, each in its table."""
    if assignment.round.protocol == Protocol.BRANCHING:
        store_dialogue(assignment, submission, ground.asked, ground.step_ids)
        return
    every_step = assignment.round.protocol == Protocol.EVERY_STEP
    path = ground.asked.path
    StepLabel.objects.bulk_create(
        StepLabel(
            assignment=assignment,
            step_id=ground.step_ids[step.position, step.candidate],
            rating=step.rating,
            unsure=step.unsure,
            # An alternative is rated beside the path; nobody goes on with it.
            chosen=step.candidate == path[step.position] and (step.chosen or step.rating != -1 or every_step),
        )
        for step in submission.steps
    )
    if assignment.round.protocol == Protocol.FIRST_ERROR:
        _store_aftermath(assignment, submission, ground)


def _store_aftermath(assignment: Assignment, submission: Submission, ground: Ground) -> None:
    """Progress and critiques. A corrected turn says them anew."""
    if submission.progress != assignment.progress:
        assignment.progress = submission.progress
        assignment.save(update_fields=["progress"])
    error = first_bad(submission, ground.asked)
    if assignment.versions:
        Critique.objects.filter(written_in=assignment).delete()
        CritiqueRating.objects.filter(assignment=assignment).delete()
    if error is None or not submission.critiques:
        return
    Critique.objects.bulk_create(
        Critique(
            step_id=ground.step_ids[error, ground.asked.path[error]],
            text=(one.text or "").strip(),
            origin=Critique.Origin.HUMAN,
            written_in=assignment,
        )
        for one in submission.critiques
        if one.id is None
    )
    CritiqueRating.objects.bulk_create(
        CritiqueRating(assignment=assignment, critique_id=one.id, rating=one.rating or 0)
        for one in submission.critiques
        if one.id is not None
    )


def _state_for(assignment: Assignment) -> Assignment.State:
    """Whether this turn counts: it holds the lease, or finds a free slot, or is extra."""
    if assignment.state == Assignment.State.LEASED:
        return Assignment.State.SUBMITTED
    others = Assignment.objects.filter(task=assignment.task_id, labeler=assignment.labeler_id).exclude(pk=assignment.pk)
    # The labeler may have been given the same task again: then this turn takes that lease's slot.
    if others.filter(state=Assignment.State.LEASED).update(state=Assignment.State.RELEASED):
        return Assignment.State.SUBMITTED
    if others.filter(state=Assignment.State.SUBMITTED).exists():
        return Assignment.State.EXTRA
    free = Task.objects.filter(pk=assignment.task_id, open_slots__gt=0)
    return Assignment.State.SUBMITTED if free.update(open_slots=F("open_slots") - 1) else Assignment.State.EXTRA
