"""Writes about rounds: drafted, opened, paused, closed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.bulk import analyze, copy_rows
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import OLDER, Solution
from apps.labeling.blanks import blank_solutions
from apps.labeling.models import GoldLabel, Round, Task
from apps.labeling.pairing import comparisons_for
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.selection import Selection
from apps.labeling.terms import Terms, check_terms
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
    settled = Terms(**terms).settled()
    check_terms(project, settled)
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
    terms = Terms.of(held).changed(changes).settled()
    if terms.is_screening != held.is_screening:
        raise DomainError("A screening stays one.", fields={"is_screening": "draft another round"})
    check_terms(held.project, terms)
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
    """Make the tasks and hand them out. Raises DomainError when there are none; then it stays a draft."""
    held = _locked_draft(round)
    held.guideline = held.guideline or held.project.guidelines.first()
    held.status, held.opened_at = Round.Status.OPEN, timezone.now()
    held.save(update_fields=["guideline", "status", "opened_at"])
    _make_tasks(held, Selection.parse(held.selection["select"]))
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


def with_gold(project: Project) -> set[int]:
    """Ids of the project's solutions that have gold labels and may be asked about.

    From the gold on, in two steps: as one join PostgreSQL may begin with all steps, where it knows nothing of the tables yet.
    """
    known = GoldLabel.objects.filter(step__chosen=True, step__solution__project=project).order_by()
    ids = set(known.values_list("step__solution_id", flat=True))
    return set(askable(project).filter(pk__in=ids).values_list("pk", flat=True))


def askable(project: Project) -> Any:
    """The solutions that a selection chooses from: those with steps, of problems that are not retired.

    Of a solution whose steps were parted anew it is the newer version.
    """
    found = Solution.objects.filter(project=project, step_count__gt=0, problem__retired_at=None)
    return found.exclude(extras__has_key=OLDER)


def _to_choose_from(round_: Round, selection: Selection) -> QuerySet[Solution]:
    """The selected solutions in the order in which they are served; or blank ones of the selected problems."""
    if round_.options.get("starts_from") == "problems":
        return blank_solutions(round_.project, selection)
    return selection.apply(askable(round_.project))


def _make_tasks(round_: Round, selection: Selection) -> None:
    if PROTOCOLS[round_.protocol].of == "comparison":
        _make_comparisons(round_, selection, askable(round_.project))
        return
    ids = list(_to_choose_from(round_, selection).values_list("id", flat=True))
    gold = with_gold(round_.project) if round_.gold_share else set()
    if round_.gold_share and not gold:
        raise DomainError("No solution of this project has gold labels.", fields={"gold_share": "no gold yet"})
    if not ids:
        raise DomainError(f"No solution fits {selection}.", code="empty", fields={"select": "fits no solution"})
    if round_.is_screening:
        # A screening asks about the gold among what is selected, and about nothing else.
        ids, gold = [], gold.intersection(ids)
        if not gold:
            raise DomainError(
                f"No solution that fits {selection} has gold labels.", code="empty", fields={"select": "fits no gold"}
            )
    ordinary = [pk for pk in ids if pk not in gold]
    rank = selection.priorities(round_.project)
    if gold:
        # Solutions of one problem would come one after another, and gold between them would show.
        random.Random(round_.pk).shuffle(ordinary)  # noqa: S311 - it mixes, it hides no secret
    rows = [(round_.pk, pk, rank.get(pk, 0), False, round_.redundancy) for pk in ordinary]
    rows += [(round_.pk, pk, 0, True, GOLD_SLOTS) for pk in sorted(gold)]
    copy_rows(Task, ["round", "solution", "priority", "is_gold", "open_slots"], rows)
    analyze(Task)
    round_.task_count, round_.slot_count = len(ordinary), len(ordinary) * round_.redundancy
    if round_.is_screening:
        round_.task_count = len(gold)
    round_.save(update_fields=["task_count", "slot_count"])


def _make_comparisons(round_: Round, selection: Selection, solutions: QuerySet[Solution]) -> None:
    if round_.gold_share:
        raise DomainError("No comparison has a known answer.", fields={"gold_share": "there is no gold of comparisons"})
    ids = comparisons_for(round_, selection, solutions)
    if not ids:
        raise DomainError(
            f"Nothing to compare fits {selection}.", code="empty", fields={"select": "fits nothing to compare"}
        )
    rows = [(round_.pk, pk, 0, False, round_.redundancy) for pk in ids]
    copy_rows(Task, ["round", "comparison", "priority", "is_gold", "open_slots"], rows)
    analyze(Task)
    round_.task_count, round_.slot_count = len(ids), len(ids) * round_.redundancy
    round_.save(update_fields=["task_count", "slot_count"])


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
