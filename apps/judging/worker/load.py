"""Loads the items of a shard into engine states, with the readings of their stored replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.inference.prompts import seed_of
from apps.judging.engine.states import LOST, JudgeState, SlotReply
from apps.judging.kinds import ComparisonCase, SolutionCase, reference_text
from apps.judging.models import ComparisonVerdict, JudgeReply, JudgeRun, SolutionVerdict
from apps.judging.verdicts import Reading, unreadable
from apps.runs.models import RunShard

# All that a case is made of: the other columns of wide rows take longer to read than these.
_OF_PROBLEM = ("problem__statement", "problem__reference_answer", "problem__reference_solution")
_OF_SIDES = ("left__separator", "right__separator", "left_step__text", "right_step__text")


@dataclass(frozen=True, slots=True)
class Path:
    """The steps of a solution's own path."""

    steps: tuple[str, ...]
    separator: str
    step_ids: tuple[int, ...] = ()


def load(run: JudgeRun, shard: RunShard, attempts: int) -> list[JudgeState]:
    """The shard's items without a result, by ID. `attempts` is how often an unreadable slot is asked."""
    states = _comparisons(run, shard) if run.judge.compares else _solutions(run, shard)
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
    steps: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = Step.objects.filter(solution_id__in=separators, chosen=True).order_by("solution_id", "position")
    for solution_id, step_id, text in rows.values_list("solution_id", "id", "text"):
        steps[solution_id].append((step_id, text))
    return {
        pk: Path(tuple(text for _, text in steps[pk]), separator, tuple(step_id for step_id, _ in steps[pk]))
        for pk, separator in separators.items()
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


def _reference(problem: Problem) -> str:
    return reference_text(problem.reference_answer or "", problem.reference_solution or "")


def _solutions(run: JudgeRun, shard: RunShard) -> list[JudgeState]:
    # The bounds keep the database from reading all results of the run for each shard.
    done = SolutionVerdict.objects.filter(run=run, solution_id__gt=shard.after, solution_id__lte=shard.upto)
    solutions = list(
        run.items()
        .filter(id__gt=shard.after, id__lte=shard.upto)
        .exclude(id__in=done.values("solution_id"))
        .select_related("problem")
        .only("separator", *_OF_PROBLEM)
        .order_by("id")
    )
    paths = paths_of(solutions)
    return [
        JudgeState(
            solution.pk,
            solution_case(solution, paths[solution.pk], seed_of(run.seed, solution.pk, 0)),
            step_ids=paths[solution.pk].step_ids,
        )
        for solution in solutions
    ]


def _comparisons(run: JudgeRun, shard: RunShard) -> list[JudgeState]:
    done = ComparisonVerdict.objects.filter(run=run, comparison_id__gt=shard.after, comparison_id__lte=shard.upto)
    comparisons = list(
        run.items()
        .filter(id__gt=shard.after, id__lte=shard.upto)
        .exclude(id__in=done.values("comparison_id"))
        .select_related("problem", "left", "right", "left_step", "right_step")
        .only("shared_steps", *_OF_PROBLEM, *_OF_SIDES)
        .order_by("id")
    )
    sides = sides_of(comparisons)
    return [
        JudgeState(pair.pk, comparison_case(pair, *sides[pair.pk], seed_of(run.seed, pair.pk, 0)))
        for pair in comparisons
    ]


def _load_replies(run: JudgeRun, states: Sequence[JudgeState], attempts: int) -> None:
    by_item = {state.item_id: state for state in states}
    item = "comparison_id" if run.judge.compares else "solution_id"
    rows = JudgeReply.objects.filter(run=run, **{f"{item}__in": list(by_item)}).order_by("slot", "attempt")
    columns = (item, "slot", "attempt", "outcome", "verdict", "reason", "prompt_tokens", "completion_tokens")
    for item_id, slot, attempt, outcome, verdict, reason, prompt_tokens, completion_tokens in rows.values_list(
        *columns
    ):
        is_lost = outcome == LOST
        reading = (
            unreadable(reason)
            if is_lost
            else Reading.from_dict({"state": outcome, "verdict": verdict, "reason": reason})
        )
        reply = SlotReply(slot, attempt, "", reading, prompt_tokens, completion_tokens, is_lost=is_lost)
        by_item[item_id].add(reply, attempts)
