"""Turns the items of a run into engine states, with the readings of their stored replies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db.models import QuerySet

from apps.core.db.prepared import fetch
from apps.corpus.models import Comparison, Problem, Solution
from apps.corpus.paths import chosen_steps
from apps.inference.prompts import seed_of
from apps.judging.engine.states import LOST, JudgeState, SlotReply
from apps.judging.kinds import ComparisonCase, SolutionCase, reference_text
from apps.judging.models import ComparisonVerdict, JudgeRun, SolutionVerdict
from apps.judging.verdicts import Reading, unreadable
from apps.runs.shards import OpenItems

# All that a case is made of: the other columns of wide rows take longer to read than these.
_OF_PROBLEM = ("problem__statement", "problem__reference_answer", "problem__reference_solution")
_OF_SIDES = ("left__separator", "right__separator", "left_step__text", "right_step__text")
_REPLIES = """
    SELECT {item}, slot, attempt, outcome, verdict, reason, prompt_tokens, completion_tokens FROM judging_judgereply
    WHERE run_id = %s AND {item} = ANY(%s) ORDER BY slot, attempt
"""


@dataclass(frozen=True, slots=True)
class Path:
    """The steps of a solution's own path."""

    steps: tuple[str, ...]
    separator: str
    step_ids: tuple[int, ...] = ()


def open_items(run: JudgeRun) -> OpenItems:
    """The comparisons or solutions of the run's shards, with what `load` needs of them."""
    if run.judge.compares:
        return OpenItems(lambda: _comparisons_of(run), ComparisonVerdict.objects.filter(run=run), "comparison_id")
    return OpenItems(lambda: _solutions_of(run), SolutionVerdict.objects.filter(run=run), "solution_id")


def load(run: JudgeRun, items: Sequence[Any], attempts: int) -> list[JudgeState]:
    """The states of these comparisons or solutions. `attempts` is how often an unreadable slot is asked."""
    states = _comparisons(run, items) if run.judge.compares else _solutions(run, items)
    _load_replies(run, states, attempts)
    return states


def solution_case(solution: Solution, path: Path, seed: int) -> SolutionCase:
    return SolutionCase(
        problem=solution.problem.statement,
        steps=path.steps,
        reference=_reference(solution.problem),
        separator=path.separator,
        seed=seed,
    )


def comparison_case(comparison: Comparison, left: Path, right: Path, seed: int) -> ComparisonCase:
    return ComparisonCase(
        problem=comparison.problem.statement,
        left=left.steps,
        right=right.steps,
        reference=_reference(comparison.problem),
        left_separator=left.separator,
        right_separator=right.separator,
        seed=seed,
    )


def paths_of(solutions: Iterable[Solution]) -> dict[int, Path]:
    """By solution id. One query."""
    separators = {solution.pk: solution.separator for solution in solutions}
    return {
        pk: Path(tuple(text for _, text in steps), separators[pk], tuple(step_id for step_id, _ in steps))
        for pk, steps in chosen_steps(separators).items()
    }


def sides_of(comparisons: Sequence[Comparison]) -> dict[int, tuple[Path, Path]]:
    """By comparison id, what is compared: whole solutions, or two candidates after the steps that they share."""
    paths = paths_of({side.pk: side for pair in comparisons for side in (pair.left, pair.right)}.values())
    sides: dict[int, tuple[Path, Path]] = {}
    for pair in comparisons:
        left, right = paths[pair.left_id], paths[pair.right_id]
        if pair.left_step is not None and pair.right_step is not None:
            left = Path((*left.steps[: pair.shared_steps], pair.left_step.text), left.separator)
            right = Path((*right.steps[: pair.shared_steps], pair.right_step.text), right.separator)
        sides[pair.pk] = (left, right)
    return sides


def _solutions_of(run: JudgeRun) -> QuerySet[Any, Any]:
    return run.items().select_related("problem").only("separator", *_OF_PROBLEM).order_by("id")


def _comparisons_of(run: JudgeRun) -> QuerySet[Any, Any]:
    pairs = run.items().select_related("problem", "left", "right", "left_step", "right_step")
    return pairs.only("shared_steps", *_OF_PROBLEM, *_OF_SIDES).order_by("id")


def _reference(problem: Problem) -> str:
    return reference_text(problem.reference_answer or "", problem.reference_solution or "")


def _solutions(run: JudgeRun, solutions: Sequence[Solution]) -> list[JudgeState]:
    paths = paths_of(solutions)
    return [
        JudgeState(
            solution.pk,
            solution_case(solution, paths[solution.pk], seed_of(run.seed, solution.pk, 0)),
            step_ids=paths[solution.pk].step_ids,
        )
        for solution in solutions
    ]


def _comparisons(run: JudgeRun, comparisons: Sequence[Comparison]) -> list[JudgeState]:
    sides = sides_of(comparisons)
    return [
        JudgeState(pair.pk, comparison_case(pair, *sides[pair.pk], seed_of(run.seed, pair.pk, 0)))
        for pair in comparisons
    ]


def _load_replies(run: JudgeRun, states: Sequence[JudgeState], attempts: int) -> None:
    by_item = {state.item_id: state for state in states}
    statement = _REPLIES.format(item="comparison_id" if run.judge.compares else "solution_id")
    rows = fetch(statement, [run.pk, list(by_item)])
    for item_id, slot, attempt, outcome, stored, reason, prompt_tokens, completion_tokens in rows:
        verdict = None if stored is None else msgspec.json.decode(stored)
        is_lost = outcome == LOST
        reading = (
            unreadable(reason)
            if is_lost
            else Reading.from_dict({"state": outcome, "verdict": verdict, "reason": reason})
        )
        reply = SlotReply(slot, attempt, "", reading, prompt_tokens, completion_tokens, is_lost=is_lost)
        by_item[item_id].add(reply, attempts)
