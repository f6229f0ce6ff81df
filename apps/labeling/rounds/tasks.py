"""Creating the tasks of a round when it opens."""

from __future__ import annotations

from collections.abc import Sequence

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
    of = "comparison" if PROTOCOLS[round_.protocol].of == "comparison" else "solution"
    priorities = plan.priorities or [0] * len(plan.ordinary)
    ids = task_subjects(round_, plan)
    rows = [(round_.pk, pk, priority, False, round_.redundancy) for pk, priority in zip(ids, priorities, strict=True)]
    rows += [(round_.pk, pk, 0, True, GOLD_SLOTS) for pk in plan.gold]
    copy_rows(Task, ["round", of, "priority", "is_gold", "open_slots"], rows)
    analyze(Task)
    round_.task_count, round_.slot_count = len(ids), len(ids) * round_.redundancy
    if round_.is_all_gold:
        round_.task_count = len(plan.gold)
    round_.save(update_fields=["task_count", "slot_count"])


def task_subjects(round_: Round, plan: RoundPlan) -> Sequence[int]:
    """The ids of the solutions or comparisons of the ordinary tasks. Missing empty solutions and pairs are created."""
    if plan.problems:
        solution_of = empty_solutions(round_.project, plan.problems)
        return [solution_of[problem] for problem in plan.problems]
    if plan.pairs:
        return create_comparisons(round_.project_id, plan.pairs)
    return plan.solutions or plan.comparisons
