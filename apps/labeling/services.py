"""Writes about labeling: opening rounds, drafts, submissions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.bulk import analyze, copy_rows
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Solution, Step
from apps.labeling.models import Assignment, Protocol, Round, StepLabel, Task
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.seats import count_submission, lock_seat
from apps.labeling.selection import Selection
from apps.labeling.submissions import Submission
from apps.projects.models import Project

# Gold is served to everybody: its slots never run out.
GOLD_SLOTS = 1_000_000


@transaction.atomic
def open_round(
    *, project: Project, protocol: str, redundancy: int = 1, gold_share: float = 0.0, select: str = "all",
    name: str = "", show_reference: bool = True, lease_minutes: int = 20, created_by: User | None = None,
) -> Round:  # fmt: skip
    """A new round over the selected solutions, open at once. Errors name the field."""
    _check_round(protocol=protocol, redundancy=redundancy, gold_share=gold_share, lease_minutes=lease_minutes)
    Project.objects.select_for_update().get(pk=project.pk)
    round_ = Round.objects.create(
        project=project,
        number=next_round_number(project),
        name=name,
        protocol=protocol,
        redundancy=redundancy,
        gold_share=gold_share,
        lease_minutes=lease_minutes,
        guideline=project.guidelines.first(),
        show_reference=show_reference,
        status=Round.Status.OPEN,
        selection={"select": select},
        created_by=created_by,
    )
    _make_tasks(round_, Selection.parse(select))
    record_event(actor=created_by, verb="round.opened", target=str(round_.number), project=project.slug)
    return round_


def _check_round(*, protocol: str, redundancy: int, gold_share: float, lease_minutes: int) -> None:
    fields: dict[str, str] = {}
    if protocol not in PROTOCOLS:
        later = " (known, but it cannot be worked on yet)" if protocol in Protocol.values else ""
        fields["protocol"] = f"one of {', '.join(PROTOCOLS)}{later}"
    if not 1 <= redundancy <= 100:
        fields["redundancy"] = "1 to 100 people per task"
    if not 0 <= gold_share <= 1:
        fields["gold_share"] = "a share from 0 to 1"
    if not 1 <= lease_minutes <= 1440:
        fields["lease_minutes"] = "1 to 1440 minutes"
    if fields:
        raise DomainError("The round cannot be opened so.", fields=fields)


def next_round_number(project: Project) -> int:
    """The number after the highest; rounds count from 1."""
    highest = Round.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return max(highest or 0, 0) + 1


def _make_tasks(round_: Round, selection: Selection) -> None:
    chosen = selection.apply(Solution.objects.filter(project=round_.project, step_count__gt=0))
    gold: set[int] = set()
    if round_.gold_share:
        with_gold = Step.objects.filter(solution__project=round_.project, gold__isnull=False)
        gold = set(with_gold.values_list("solution_id", flat=True))
        if not gold:
            raise DomainError("No solution of this project has gold labels.", fields={"gold_share": "no gold yet"})
    ids = list(chosen.values_list("id", flat=True))
    if not ids:
        raise DomainError(f"No solution fits {selection}.", code="empty", fields={"select": "fits no solution"})
    ordinary = [pk for pk in ids if pk not in gold]
    rows = [(round_.pk, pk, 0, False, round_.redundancy) for pk in ordinary]
    rows += [(round_.pk, pk, 0, True, GOLD_SLOTS) for pk in sorted(gold)]
    copy_rows(Task, ["round", "solution", "priority", "is_gold", "open_slots"], rows)
    analyze(Task)
    round_.task_count, round_.slot_count = len(ordinary), len(ordinary) * round_.redundancy
    round_.save(update_fields=["task_count", "slot_count"])


@transaction.atomic
def set_round_status(*, round: Round, status: str, actor: User) -> Round:  # noqa: A002
    """Open, pause or close. Leases that are out may still be handed in."""
    before, round.status = round.status, Round.Status(status)
    round.closed_at = timezone.now() if status == Round.Status.CLOSED else None
    round.save(update_fields=["status", "closed_at"])
    record_event(
        actor=actor,
        verb="round.status",
        target=str(round.number),
        project=round.project.slug,
        before=before,
        after=status,
    )
    return round


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
    steps = {
        (position, candidate): (pk, chosen)
        for pk, position, candidate, chosen in Step.objects.filter(solution=assignment.task.solution_id).values_list(
            "id", "position", "candidate", "chosen"
        )
    }
    path = {position: candidate for (position, candidate), (_, chosen) in steps.items() if chosen}
    PROTOCOLS[assignment.round.protocol].check(submission, path)
    assignment.state = _state_for(assignment)
    assignment.finish_reason, assignment.reason = submission.finish_reason, submission.reason.strip()
    assignment.active_ms, assignment.idle_ms = submission.active_ms, submission.idle_ms
    assignment.submitted_at, assignment.digest = now, digest
    assignment.save(
        update_fields=["state", "finish_reason", "reason", "active_ms", "idle_ms", "submitted_at", "digest"]
    )
    StepLabel.objects.bulk_create(
        StepLabel(
            assignment=assignment,
            step_id=steps[step.position, step.candidate][0],
            rating=step.rating,
            unsure=step.unsure,
            chosen=step.chosen or step.rating != -1 or assignment.round.protocol == Protocol.EVERY_STEP,
        )
        for step in submission.steps
    )
    fills_slot = assignment.state == Assignment.State.SUBMITTED and not assignment.task.is_gold
    count_submission(seat, fills_slot=fills_slot, now=now)
    return assignment


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
