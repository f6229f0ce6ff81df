"""Creating the tasks of a round: all when it opens, more when solutions are added to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.core.db.copy import analyze, copy_rows
from apps.labeling.models import Round, Task
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.empty_solutions import empty_solutions
from apps.labeling.rounds.pairs import create_comparisons
from apps.labeling.rounds.plan import RoundPlan

# Gold is served to every labeler: its slots never run out.
GOLD_SLOTS = 1_000_000


def create_tasks(round_: Round, plan: RoundPlan) -> None:
    """Store the plan's tasks and set the round's counts."""
    count = _store(round_, plan, task_subjects(round_, plan), plan.gold)
    analyze(Task)
    round_.task_count, round_.slot_count = count, count * round_.redundancy
    if round_.is_all_gold:
        round_.task_count = len(plan.gold)
    round_.save(update_fields=["task_count", "slot_count"])


def add_tasks(round_: Round, plan: RoundPlan) -> int:
    """Store those of the plan's tasks that the round does not have yet; returns the number of ordinary ones.

    The caller has locked the round (`open_edits.lock_queue`) and saves its counts.
    """
    subjects = task_subjects(round_, plan)
    of = _kind(round_)
    taken = set(Task.objects.filter(round=round_, **{f"{of}__in": [*subjects, *plan.gold]}).values_list(of, flat=True))
    count = _store(round_, plan, subjects, plan.gold, without=taken)
    round_.task_count += count
    round_.slot_count += count * round_.redundancy
    return count


def add_gold(round_: Round, gold: Iterable[int]) -> None:
    """Store gold tasks of these solutions, of those that have no task in the round."""
    solutions = set(gold)
    taken = Task.objects.filter(round=round_, solution__in=solutions).values_list("solution", flat=True)
    _store(round_, RoundPlan(), (), sorted(solutions.difference(taken)))


def _kind(round_: Round) -> str:
    return "comparison" if PROTOCOLS[round_.protocol].of == "comparison" else "solution"


def _store(
    round_: Round, plan: RoundPlan, subjects: Sequence[int], gold: Sequence[int], without: Iterable[int] = ()
) -> int:
    """Store the tasks in the plan's order; returns the number of ordinary ones."""
    left_out = set(without)
    priorities = plan.priorities or [0] * len(subjects)
    rows = [
        (round_.pk, pk, priority, False, round_.redundancy)
        for pk, priority in zip(subjects, priorities, strict=True)
        if pk not in left_out
    ]
    gold_rows = [(round_.pk, pk, 0, True, GOLD_SLOTS) for pk in gold if pk not in left_out]
    copy_rows(Task, ["round", _kind(round_), "priority", "is_gold", "open_slots"], [*rows, *gold_rows])
    return len(rows)


def task_subjects(round_: Round, plan: RoundPlan) -> Sequence[int]:
    """The ids of the solutions or comparisons of the ordinary tasks. Missing empty solutions and pairs are created."""
    if plan.problems:
        solution_of = empty_solutions(round_.project, plan.problems)
        return [solution_of[problem] for problem in plan.problems]
    if plan.pairs:
        return create_comparisons(round_.project_id, plan.pairs)
    return plan.solutions or plan.comparisons
