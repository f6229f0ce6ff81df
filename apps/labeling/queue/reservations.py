"""What managers do with chosen tasks of the queue: assign them to a labeler, take leases back, set their priority."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.prepared import fetch
from apps.core.errors import DomainError
from apps.labeling.models import Assignment, Reservation, Round, RoundProgress, Task
from apps.labeling.queue import statements
from apps.labeling.queue.claim import admission
from apps.labeling.queue.eligibility import ineligible_reason
from apps.labeling.queue.leases import expire_leases
from apps.labeling.queue.reserved_slots import drop_reservations
from apps.labeling.rounds.open_edits import UNDER_WAY
from apps.projects.models import Membership, Project

MOST_TASKS = 1000
LONGEST_NOTE = 2000
HIGHEST_PRIORITY = 1_000_000

# In the order of the columns of `statements.WHY_NOT_RESERVED`.
_REASONS = (
    "It is no longer served.",
    "They have it, or have submitted it.",
    "They have labeled its solution before, and the round asks for fresh eyes.",
    "A blind round with fresh eyes has the same solution and is not complete.",
    "They have been shown the answer to it in training, or have begun it elsewhere.",
    "It is assigned to them already.",
    "It has no free slot: others have it or have submitted it.",
)


@dataclass(frozen=True, slots=True)
class Changed:
    """The tasks that an action has changed, and why it has not changed others."""

    tasks: Sequence[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)


def reserve(
    *, project: Project, tasks: Sequence[int], labeler: User, actor: User, note: str = "", now: datetime | None = None
) -> Changed:
    """Assign these tasks to a labeler: each takes a slot that nobody else gets, and the labeler gets them before others.

    The rules by which a claim serves tasks hold as ever: a task that the labeler could not get is refused with the reason.
    Raises DomainError for a user who is no active member, for too many tasks and for a note that is too long.
    """
    check_count(tasks)
    if len(note.strip()) > LONGEST_NOTE:
        raise DomainError("The note is too long.", fields={"note": f"must have at most {LONGEST_NOTE:,} characters"})
    members = Membership.objects.filter(project=project, user=labeler, status=Membership.Status.ACTIVE)
    if not members.exists():
        raise DomainError("Choose an active member of the project.", fields={"labeler": "must be an active member"})
    rounds = Round.objects.filter(project=project, pk__in=Task.objects.filter(pk__in=tasks).values("round"))
    # In transactions of their own, before any task is locked: lapsed leases free slots.
    for round_ in rounds.order_by("pk"):
        expire_leases(now=now, round_id=round_.pk)
    with transaction.atomic():
        return _reserve(
            project,
            tasks,
            {round_.pk: round_ for round_ in rounds},
            Reservation(labeler=labeler, by=actor, note=note.strip()),
        )


def _reserve(project: Project, tasks: Sequence[int], rounds: Mapping[int, Round], wanted: Reservation) -> Changed:
    """`wanted` has what the reservations of all tasks have in common."""
    labeler = wanted.labeler
    round_of = dict(Task.objects.filter(pk__in=tasks, round__in=rounds).values_list("pk", "round_id"))
    refused = {pk: "No such task in this project." for pk in tasks if pk not in round_of}
    own = Task.objects.filter(pk__in=round_of).lock()
    by_round: defaultdict[int, list[int]] = defaultdict(list)
    for pk in own:
        by_round[round_of[pk]].append(pk)
    for round_id, task_ids in by_round.items():
        refused |= _refusals(rounds[round_id], labeler, task_ids)
    reserved = [pk for pk in own if pk not in refused]
    # What came of an earlier reservation of the same task for the same labeler.
    Reservation.objects.filter(task__in=reserved, labeler=labeler).delete()
    Reservation.objects.bulk_create(
        Reservation(task_id=pk, round_id=round_of[pk], labeler=labeler, by=wanted.by, note=wanted.note)
        for pk in tasks_in_order(tasks, reserved)
    )
    Task.objects.filter(pk__in=reserved).add_slots(-1)
    if reserved:
        _record(project, wanted.by, "task.assigned", labeler.email, reserved, note=wanted.note)
    return Changed(reserved, refused)


def tasks_in_order(tasks: Sequence[int], chosen: Collection[int]) -> list[int]:
    """The chosen ones in the order in which they were named: the labeler gets them in it."""
    wanted = set(chosen)
    return [pk for pk in dict.fromkeys(tasks) if pk in wanted]


def _refusals(round_: Round, labeler: User, tasks: Sequence[int]) -> dict[int, str]:
    """Why tasks of one round cannot be assigned to the labeler. The caller has locked them."""
    reason = _round_refusal(round_, labeler)
    if reason:
        return dict.fromkeys(tasks, reason)
    rows = fetch(statements.WHY_NOT_RESERVED, admission(round_, labeler) | {"tasks": list(tasks)}, keeps_plan=False)
    return {pk: _REASONS[reasons.index(True)] for pk, *reasons in rows if True in reasons}


def _round_refusal(round_: Round, labeler: User) -> str:
    if round_.origin:
        return "Its round was imported and serves no tasks."
    if round_.status not in UNDER_WAY:
        return f"Its round is {round_.get_status_display()}."
    if round_.is_all_gold:
        return f"Everyone does all tasks of a {round_.kind} round."
    refusal = ineligible_reason(round_, labeler)
    return "" if refusal is None else f"The round does not admit them: {_REFUSALS.get(refusal.code, refusal.message)}"


# `ineligible_reason` speaks to the labeler.
_REFUSALS = {
    "not_named": "it is for named labelers.",
    "skills_missing": "it needs skills that they do not have.",
    "screening_missing": "they have not passed a screening.",
    "screening_not_taken": "they have not passed a screening.",
    "screening_failed": "they have not passed a screening.",
}


@transaction.atomic
def release_tasks(*, project: Project, tasks: Sequence[int], actor: User) -> Changed:
    """Take back the open leases and the reservations of these tasks: their slots are free for others.

    Drafts are kept as a skip keeps them, and a labeler who has the task on screen may still submit it late.
    """
    check_count(tasks)
    own = _own(project, tasks)
    reservations = Reservation.objects.waiting().filter(task__in=own)
    ended = [pk for (pk,) in fetch(statements.RELEASE_TASKS, {"tasks": own})]
    released = set(Assignment.objects.filter(pk__in=ended).values_list("task_id", flat=True))
    released.update(drop_reservations(reservations))
    if released:
        _record(project, actor, "task.released", "", sorted(released))
    return Changed(sorted(released), {pk: "Nobody has it." for pk in tasks if pk not in released})


@transaction.atomic
def set_priority(*, project: Project, tasks: Sequence[int], priority: int, actor: User) -> Changed:
    """Serve these tasks earlier (a higher number) or later. The places of labelers in their queues start over.

    Raises DomainError for a priority out of range.
    """
    check_count(tasks)
    if abs(priority) > HIGHEST_PRIORITY:
        limits = f"must be between {-HIGHEST_PRIORITY:,} and {HIGHEST_PRIORITY:,}"
        raise DomainError("The priority is out of range.", fields={"priority": limits})
    own = _own(project, tasks)
    # Progress before tasks, as claims lock them. A place behind a task that comes first now would pass it over.
    rows = RoundProgress.objects.filter(round__in=Task.objects.filter(pk__in=own).values("round"))
    places = list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    RoundProgress.objects.filter(pk__in=places).update(cursor_rank=None, cursor_task=None)
    Task.objects.filter(pk__in=own).lock()
    Task.objects.filter(pk__in=own).update(priority=priority)
    if own:
        _record(project, actor, "task.prioritized", str(priority), own)
    return Changed(own, {pk: "No such task in this project." for pk in tasks if pk not in set(own)})


def check_count(tasks: Sequence[int]) -> None:
    if not 1 <= len(tasks) <= MOST_TASKS:
        raise DomainError(
            f"Choose 1 to {MOST_TASKS:,} tasks at a time.", fields={"tasks": f"must be 1 to {MOST_TASKS:,} tasks"}
        )


def _own(project: Project, tasks: Sequence[int]) -> list[int]:
    """Those of the project's own rounds."""
    own = Task.objects.filter(pk__in=tasks, round__project=project, round__origin="")
    return sorted(own.values_list("pk", flat=True))


def _record(
    project: Project, actor: User | None, verb: str, target: str, tasks: Sequence[int], *, note: str = ""
) -> None:
    count = f"{len(tasks):,} task{'' if len(tasks) == 1 else 's'}"
    after = {"count": count, "tasks": list(tasks)} | ({"note": note} if note else {})
    record_event(actor=actor, verb=verb, target=target, project=project.slug, after=after)


def waiting_reservations(labeler: User, project: Project, round_: Round | None = None) -> list[Reservation]:
    """What managers have assigned to the labeler and they have not begun, in the order in which they get it."""
    rounds = {"round__project": project} if round_ is None else {"round": round_}
    reservations = Reservation.objects.waiting().filter(labeler=labeler, round__status__in=UNDER_WAY, **rounds)
    return list(reservations.select_related("round", "by").order_by("pk")[:MOST_TASKS])
