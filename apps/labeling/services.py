"""Writes about rounds: opened, paused, closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.bulk import analyze, copy_rows
from apps.core.errors import DomainError
from apps.corpus.models import Solution, Step
from apps.inference.models import Endpoint
from apps.labeling.blanks import blank_solutions
from apps.labeling.models import Protocol, Round, Task
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.selection import Selection
from apps.projects.models import Project

# Gold is served to everybody: its slots never run out.
GOLD_SLOTS = 1_000_000


@transaction.atomic
def open_round(
    *, project: Project, protocol: str, redundancy: int = 1, gold_share: float = 0.0, select: str = "all",
    name: str = "", show_reference: bool = True, lease_minutes: int = 20, created_by: User | None = None,
    options: Mapping[str, Any] | None = None, endpoint: Endpoint | None = None,
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
        options=msgspec.to_builtins(options_of(protocol, options or {})),
        endpoint=endpoint,
        created_by=created_by,
    )
    _make_tasks(round_, _to_choose_from(round_, Selection.parse(select)))
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


def _to_choose_from(round_: Round, selection: Selection) -> QuerySet[Solution]:
    """The selected solutions in the order in which they are served; or blank ones of the selected problems."""
    if round_.options.get("starts_from") == "problems":
        return blank_solutions(round_.project, selection)
    return selection.apply(Solution.objects.filter(project=round_.project, step_count__gt=0))


def _make_tasks(round_: Round, chosen: QuerySet[Solution]) -> None:
    gold: set[int] = set()
    if round_.gold_share:
        with_gold = Step.objects.filter(solution__project=round_.project, gold__isnull=False)
        gold = set(with_gold.values_list("solution_id", flat=True))
        if not gold:
            raise DomainError("No solution of this project has gold labels.", fields={"gold_share": "no gold yet"})
    ids = list(chosen.values_list("id", flat=True))
    if not ids:
        raise DomainError(
            f"No solution fits {round_.selection['select']}.", code="empty", fields={"select": "fits no solution"}
        )
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
