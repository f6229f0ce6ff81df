"""What labelers hand in: drafts and submissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.core.db.prepared import Prepared, fetch, run
from apps.core.errors import Conflict
from apps.core.wakeups import delay_on_commit
from apps.corpus.comparisons import turned
from apps.corpus.models import Step
from apps.labeling.assignments.branching import store_dialogue
from apps.labeling.assignments.hooks import run_submission_hooks
from apps.labeling.models import Assignment, CandidateSet, Critique, CritiqueRating, PreferenceLabel, Protocol, Task
from apps.labeling.progress import count_submission, lock_progress
from apps.labeling.protocols import PROTOCOLS, Asked, options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, KnownStep
from apps.labeling.protocols.first_error import first_bad
from apps.labeling.protocols.submission import Submission

State = Assignment.State

# --- drafts -----------------------------------------------------------------------------------------------


def save_draft(*, assignment: Assignment, version: int, draft: Mapping[str, Any]) -> int:
    """Keep what has been pressed so far; gives the new version.

    `version` is the one that the page saw last. Raises Conflict, code `stale_draft`, when another
    tab or device has saved since: nothing is overwritten unseen.
    """
    # What was put off is kept open as well: the page's last save may arrive after the skip.
    open_states = [State.LEASED, State.EXPIRED, State.RELEASED, State.SKIPPED]
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

_LOCK = "SELECT state, digest FROM labeling_assignment WHERE id = %s FOR UPDATE"

_STORED = ("state", "finish_reason", "reason", "active_ms", "idle_ms", "submitted_at", "digest")
_STORE = """
UPDATE labeling_assignment SET
    state = %(state)s, finish_reason = %(finish_reason)s, reason = %(reason)s, active_ms = %(active_ms)s,
    idle_ms = %(idle_ms)s, submitted_at = %(submitted_at)s, digest = %(digest)s
WHERE id = %(pk)s
"""

_STORE_RATINGS = """
INSERT INTO labeling_steplabel (assignment_id, step_id, rating, unsure, chosen)
SELECT %(turn)s, * FROM unnest(%(steps)s::bigint[], %(ratings)s::smallint[], %(unsure)s::bool[], %(chosen)s::bool[])
"""

_STEPS = Prepared(
    lambda solution: (
        Step.objects.filter(solution_id=solution).order_by().values_list("id", "position", "candidate", "chosen")
    ),
    "solution",
)


@transaction.atomic
def submit(*, assignment: Assignment, submission: Submission, now: datetime | None = None) -> Assignment:
    """Take a submission. The same one again changes nothing.

    A late one counts if the task still has a free slot, else it is kept as extra. Raises
    Unprocessable when the protocol is not satisfied, Conflict when another was handed in before.
    """
    now = now or timezone.now()
    progress = lock_progress(assignment.round, assignment.labeler_id)
    ((assignment.state, assignment.digest),) = fetch(_LOCK, [assignment.pk])
    digest = submission.digest()
    if assignment.is_submitted:
        if assignment.digest == digest:
            _enqueue_grading(assignment)
            return assignment
        raise Conflict("You have submitted this task with other labels.", code="already_submitted")
    if assignment.state == State.RETAKEN:
        raise Conflict("This task is of an earlier try at the screening.", code="retaken")
    ground = ground_of(assignment)
    PROTOCOLS[assignment.round.protocol].check(submission, ground.asked)
    assignment.state = _state_for(assignment)
    assignment.finish_reason, assignment.reason = submission.finish_reason, submission.reason.strip()
    assignment.active_ms, assignment.idle_ms = submission.active_ms, submission.idle_ms
    assignment.submitted_at, assignment.digest = now, digest
    run(_STORE, {name: getattr(assignment, name) for name in ("pk", *_STORED)})
    store_labels(assignment, submission, ground)
    counts = assignment.state == Assignment.State.SUBMITTED
    count_submission(progress, counts=counts, is_gold=assignment.task.is_gold)
    run_submission_hooks(assignment, now)
    _enqueue_grading(assignment)
    return assignment


def _enqueue_grading(assignment: Assignment) -> None:
    """Also when a submission is repeated: the message of the first may have been lost."""
    if assignment.grown_id is not None:
        delay_on_commit("apps.labeling.tasks.grade_derived_solution", assignment.grown_id)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an assignment stands on: the ids of its steps by place, and what was asked of them."""

    step_ids: Mapping[tuple[int, int], int]
    asked: Asked


def ground_of(assignment: Assignment) -> Ground:
    options = options_of(assignment.round.protocol, assignment.round.options)
    if PROTOCOLS[assignment.round.protocol].of == "comparison":
        return Ground({}, Asked(options=options, is_pair=True))
    steps = _STEPS.rows(solution=assignment.task.solution_id)
    candidates: dict[int, int] = {}
    for _, position, _, _ in steps:
        candidates[position] = candidates.get(position, 0) + 1
    needs_texts = assignment.round.protocol == Protocol.BRANCHING or getattr(options, "alternatives", False)
    asked = Asked(
        path={position: candidate for _, position, candidate, chosen in steps if chosen},
        candidates=candidates,
        options=options,
        ways=candidate_tree(assignment.task) if needs_texts else CandidateTree(),
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


def candidate_tree(task: Task) -> CandidateTree:
    """The texts of the task's solution, and all that was sampled for it."""
    steps = Step.objects.filter(solution=task.solution_id).order_by()
    known = [KnownStep(*row) for row in steps.values_list("position", "candidate", "text", "origin", "chosen")]
    return CandidateTree(known, dict(CandidateSet.objects.filter(task=task).values_list("prefix", "texts")))


def store_labels(assignment: Assignment, submission: Submission, ground: Ground) -> None:
    """Every part of what was said, each in its table."""
    if assignment.round.protocol == Protocol.BRANCHING:
        store_dialogue(assignment, submission, ground.asked, ground.step_ids)
        return
    every_step = assignment.round.protocol == Protocol.EVERY_STEP
    path = ground.asked.path
    run(
        _STORE_RATINGS,
        {
            "turn": assignment.pk,
            "steps": [ground.step_ids[step.position, step.candidate] for step in submission.steps],
            "ratings": [step.rating for step in submission.steps],
            "unsure": [step.unsure for step in submission.steps],
            # An alternative is rated beside the path; nobody goes on with it.
            "chosen": [
                step.candidate == path[step.position] and (step.chosen or step.rating != -1 or every_step)
                for step in submission.steps
            ],
        },
    )
    _store_preference(assignment, submission)
    if assignment.round.protocol == Protocol.FIRST_ERROR:
        _store_aftermath(assignment, submission, ground)


def _store_preference(assignment: Assignment, submission: Submission) -> None:
    """In terms of the comparison's own sides, however they were shown."""
    said = submission.preference
    if said is not None:
        PreferenceLabel.objects.create(
            assignment=assignment,
            choice=turned(said.choice, is_turned=assignment.sides_swapped),
            margin=said.margin,
            rationale=said.rationale.strip(),
        )


def _store_aftermath(assignment: Assignment, submission: Submission, ground: Ground) -> None:
    """Progress and critiques. A corrected turn says them anew."""
    if submission.progress != assignment.progress:
        assignment.progress = submission.progress
        assignment.save(update_fields=["progress"])
    error = first_bad(submission, ground.asked)
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
    if assignment.state == Assignment.State.RETURNED:  # It holds its slot, unless nobody is asked any more.
        is_asked = Task.objects.filter(pk=assignment.task_id, withdrawn="").exists()
        return Assignment.State.SUBMITTED if is_asked else Assignment.State.EXTRA
    others = Assignment.objects.filter(task=assignment.task_id, labeler=assignment.labeler_id).exclude(pk=assignment.pk)
    # The labeler may have been given the same task again: then this turn takes that lease's slot.
    if others.filter(state=Assignment.State.LEASED).update(state=Assignment.State.RELEASED):
        return Assignment.State.SUBMITTED
    if others.filter(state=Assignment.State.SUBMITTED).exists():
        return Assignment.State.EXTRA
    free = Task.objects.filter(pk=assignment.task_id, open_slots__gt=0)
    return Assignment.State.SUBMITTED if free.update(open_slots=F("open_slots") - 1) else Assignment.State.EXTRA
