"""Writes about rounds: drafted, opened, paused, closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.copy import analyze, copy_rows
from apps.core.errors import Conflict, DomainError
from apps.labeling.models import Round, Task
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.config import RoundConfig, check_config
from apps.labeling.rounds.empty_solutions import empty_solutions
from apps.labeling.rounds.pairs import create_comparisons
from apps.labeling.rounds.plan import RoundPlan, plan_round
from apps.projects.models import Project

# Gold is served to everybody: its slots never run out.
GOLD_SLOTS = 1_000_000


@transaction.atomic
def open_round(*, project: Project, created_by: User | None = None, **terms: Any) -> Round:
    """A new round on these `Terms`, open at once. Errors name the field."""
    return open_draft(round=create_round(project=project, created_by=created_by, **terms), actor=created_by)


@transaction.atomic
def create_round(*, project: Project, created_by: User | None = None, **terms: Any) -> Round:
    """A draft on these `Terms`: they can be changed until it opens, and nobody is given a task."""
    settled = RoundConfig(**terms).settled()
    check_config(project, settled)
    Project.objects.select_for_update().get(pk=project.pk)
    number = next_screening_number(project) if settled.is_screening else next_round_number(project)
    drafted = Round(project=project, number=number, created_by=created_by, **settled.stored())
    drafted.save()
    drafted.labelers.set(settled.labelers)
    record_event(actor=created_by, verb="round.drafted", target=str(number), project=project.slug)
    return drafted


@transaction.atomic
def edit_round(*, round: Round, actor: User, changes: Mapping[str, Any]) -> Round:  # noqa: A002
    """Change terms of a draft. Raises Conflict once it has opened: what people did was done on these terms."""
    held = _locked_draft(round)
    terms = RoundConfig.of(held).changed(changes).settled()
    if terms.is_screening != held.is_screening:
        raise DomainError("A screening stays one.", fields={"is_screening": "draft another round"})
    check_config(held.project, terms)
    for name, value in terms.stored().items():
        setattr(held, name, value)
    held.save()
    held.labelers.set(terms.labelers)
    record_event(actor=actor, verb="round.edited", target=str(held.number), project=held.project.slug)
    return held


def _locked_draft(round_: Round) -> Round:
    """Changes of a project's rounds wait for each other."""
    Project.objects.select_for_update().get(pk=round_.project_id)
    held = Round.objects.select_related("project", "endpoint", "guideline").get(pk=round_.pk)
    if held.status != Round.Status.DRAFT:
        raise Conflict(f"This round is {held.get_status_display()}: its terms stand.", code="not_a_draft")
    return held


@transaction.atomic
def open_draft(*, round: Round, actor: User | None) -> Round:  # noqa: A002
    """Make the tasks and hand them out. Raises DomainError where its plan refuses; then it stays a draft."""
    held = _locked_draft(round)
    held.guideline = held.guideline or held.project.guidelines.first()
    held.status, held.opened_at = Round.Status.OPEN, timezone.now()
    held.save(update_fields=["guideline", "status", "opened_at"])
    plan = plan_round(held)
    if plan.refusal is not None:
        raise plan.refusal
    _make_tasks(held, plan)
    record_event(actor=actor, verb="round.opened", target=str(held.number), project=held.project.slug)
    return held


@transaction.atomic
def discard_draft(*, round: Round, actor: User) -> None:  # noqa: A002
    """Throw a draft away; nothing hangs on it."""
    held = _locked_draft(round)
    record_event(actor=actor, verb="round.discarded", target=str(held.number), project=held.project.slug)
    held.delete()


def next_round_number(project: Project) -> int:
    """The number after the highest; rounds count from 1."""
    highest = Round.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return max(highest or 0, 0) + 1


def next_screening_number(project: Project) -> int:
    """Screenings count down from -1, as PRM800K numbers its own."""
    lowest = Round.objects.filter(project=project).aggregate(first=Min("number"))["first"]
    return min(lowest or 0, 0) - 1


def _make_tasks(round_: Round, plan: RoundPlan) -> None:
    of = "comparison" if PROTOCOLS[round_.protocol].of == "comparison" else "solution"
    priorities = plan.priorities or [0] * len(plan.ordinary)
    ids = _stored(round_, plan)
    rows = [(round_.pk, pk, priority, False, round_.redundancy) for pk, priority in zip(ids, priorities, strict=True)]
    rows += [(round_.pk, pk, 0, True, GOLD_SLOTS) for pk in plan.gold]
    copy_rows(Task, ["round", of, "priority", "is_gold", "open_slots"], rows)
    analyze(Task)
    round_.task_count, round_.slot_count = len(ids), len(ids) * round_.redundancy
    if round_.is_screening:
        round_.task_count = len(plan.gold)
    round_.save(update_fields=["task_count", "slot_count"])


def _stored(round_: Round, plan: RoundPlan) -> Sequence[int]:
    """The ids of what the ordinary tasks ask about; blank solutions and pairs are made where there were none."""
    if plan.problems:
        blanks = empty_solutions(round_.project, plan.problems)
        return [blanks[problem] for problem in plan.problems]
    if plan.pairs:
        return create_comparisons(round_.project_id, plan.pairs)
    return plan.solutions or plan.comparisons


@transaction.atomic
def set_round_status(*, round: Round, status: str, actor: User) -> Round:  # noqa: A002
    """Open, pause or close. Leases that are out may still be handed in; a draft that opens gets its tasks."""
    if round.status == Round.Status.DRAFT:
        if status != Round.Status.OPEN:
            raise Conflict("A draft can be opened or discarded.", code="draft")
        return open_draft(round=round, actor=actor)
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
