"""Changes of rounds: draft, edit, open, pause, close, discard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.labeling.models import Reservation, Round
from apps.labeling.queue.reserved_slots import end_reservations
from apps.labeling.rounds.config import RoundConfig, check_config
from apps.labeling.rounds.open_edits import UNDER_WAY, edit_open
from apps.labeling.rounds.plan import plan_round
from apps.labeling.rounds.tasks import create_tasks
from apps.projects.models import Project


@transaction.atomic
def open_round(*, project: Project, created_by: User | None = None, **settings: Any) -> Round:
    """Create a round with these settings (see `RoundConfig`) and open it. Raises DomainError that names the settings."""
    return open_draft(round=create_round(project=project, created_by=created_by, **settings), actor=created_by)


@transaction.atomic
def create_round(*, project: Project, created_by: User | None = None, **settings: Any) -> Round:
    """Create a draft with these settings (see `RoundConfig`). They can be changed until the round opens.

    Raises DomainError that names every invalid setting.
    """
    _check_not_archived(project)
    config = RoundConfig(**settings).normalized()
    check_config(project, config)
    Project.objects.select_for_update().get(pk=project.pk)
    number = next_round_number(project) if config.kind == Round.Kind.WORK else next_gold_number(project)
    draft = Round.objects.create(project=project, number=number, created_by=created_by, **config.columns())
    draft.labelers.set(config.labelers)
    record_event(actor=created_by, verb="round.drafted", target=str(number), project=project.slug)
    return draft


@transaction.atomic
def edit_round(*, round: Round, actor: User, changes: Mapping[str, Any], add: str = "") -> Round:  # noqa: A002
    """Change settings of a draft, or those of a round under way that `open_edits` allows. `add` selects more solutions.

    Raises DomainError that names the settings, and Conflict for a closed or imported round.
    """
    Project.objects.select_for_update(no_key=True).get(pk=round.project_id)
    stored = Round.objects.select_related("project", "endpoint", "guideline").get(pk=round.pk)
    _check_not_archived(stored.project, stored)
    if stored.status in UNDER_WAY:
        return edit_open(stored, actor=actor, changes=changes, add=add)
    if stored.status == Round.Status.CLOSED:
        raise Conflict("This round is closed: reopen it to change its settings.", code="closed")
    if add:
        raise DomainError(
            "Solutions are added to a round that is open.",
            fields={"add": "must be empty: change `select` of the draft"},
        )
    return _edit_draft(stored, actor, changes)


def _edit_draft(round_: Round, actor: User, changes: Mapping[str, Any]) -> Round:
    draft = _locked_draft(round_)
    config = RoundConfig.of(draft).changed(changes).normalized()
    if config.kind != draft.kind:
        raise DomainError("The kind of a draft cannot change.", fields={"kind": "create another draft"})
    check_config(draft.project, config)
    for name, value in config.columns().items():
        setattr(draft, name, value)
    draft.save()
    draft.labelers.set(config.labelers)
    record_event(actor=actor, verb="round.edited", target=str(draft.number), project=draft.project.slug)
    return draft


def _locked_draft(round_: Round) -> Round:
    """The draft, after locking its project: changes of a project's rounds wait for each other."""
    Project.objects.select_for_update().get(pk=round_.project_id)
    draft = Round.objects.select_related("project", "endpoint", "guideline").get(pk=round_.pk)
    if draft.status != Round.Status.DRAFT:
        raise Conflict(
            f"This round is {draft.get_status_display()}: its settings can no longer be changed.", code="not_a_draft"
        )
    return draft


@transaction.atomic
def open_draft(*, round: Round, actor: User | None) -> Round:  # noqa: A002
    """Create the tasks and start serving them. Raises DomainError if the plan cannot be opened; it stays a draft."""
    draft = _locked_draft(round)
    _check_not_archived(draft.project, draft)
    draft.guideline = draft.guideline or draft.project.guidelines.first()
    draft.status, draft.opened_at = Round.Status.OPEN, timezone.now()
    draft.save(update_fields=["guideline", "status", "opened_at"])
    plan = plan_round(draft)
    if plan.refusal is not None:
        raise plan.refusal
    create_tasks(draft, plan)
    record_event(actor=actor, verb="round.opened", target=str(draft.number), project=draft.project.slug)
    return draft


@transaction.atomic
def discard_draft(*, round: Round, actor: User) -> None:  # noqa: A002
    """Delete a draft. Raises Conflict once the round has opened."""
    draft = _locked_draft(round)
    record_event(actor=actor, verb="round.discarded", target=str(draft.number), project=draft.project.slug)
    draft.delete()


def _check_not_archived(project: Project, round_: Round | None = None) -> None:
    """Raises Conflict for a project or a round that is archived: nothing opens in it."""
    if project.archived_at is not None:
        raise Conflict(f"{project} is archived. Bring it back first.", code="archived")
    if round_ is not None and round_.archived_at is not None:
        raise Conflict("This round is archived. Bring it back first.", code="archived")


def next_round_number(project: Project) -> int:
    """The number after the highest; rounds count from 1."""
    highest = Round.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return max(highest or 0, 0) + 1


def next_gold_number(project: Project) -> int:
    """Screenings and training count down from -1, as PRM800K numbers its own screening."""
    lowest = Round.objects.filter(project=project).aggregate(first=Min("number"))["first"]
    return min(lowest or 0, 0) - 1


@transaction.atomic
def set_round_status(*, round: Round, status: str, actor: User) -> Round:  # noqa: A002
    """Open, pause or close a round. Tasks under lease can still be submitted. A draft that opens gets its tasks.

    Closing ends the reservations of its tasks.
    """
    if round.status == Round.Status.DRAFT:
        if status != Round.Status.OPEN:
            raise Conflict("A draft can only be opened or discarded.", code="draft")
        return open_draft(round=round, actor=actor)
    if status == Round.Status.OPEN:
        # Archiving waits.
        project = Project.objects.select_for_update(no_key=True).get(pk=round.project_id)
        round.refresh_from_db(fields=["status", "archived_at"])
        _check_not_archived(project, round)
    before, round.status = round.status, Round.Status(status)
    round.closed_at = timezone.now() if status == Round.Status.CLOSED else None
    round.save(update_fields=["status", "closed_at"])
    if status == Round.Status.CLOSED:
        end_reservations(Reservation.objects.filter(round=round))
    record_event(
        actor=actor,
        verb="round.status",
        target=str(round.number),
        project=round.project.slug,
        before=before,
        after=status,
    )
    return round
