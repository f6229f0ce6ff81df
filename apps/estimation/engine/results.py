"""From counts to the results of steps and solutions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.estimation.engine.outcomes import missing_note
from apps.estimation.engine.solution_state import SolutionState
from apps.estimation.strategies.base import Strategy, StrategyLabels, all_good


@dataclass(frozen=True, slots=True)
class StepResult:
    """`rollouts` and `successes` are None if the step was not rolled out; `basis` is what `hard` is based on."""

    step_id: int
    rollouts: int | None
    successes: int | None
    missing: int
    hard: bool | None
    basis: str
    tokens: int


@dataclass(frozen=True, slots=True)
class SolutionResult:
    solution_id: int
    failure: str = ""
    note: str = ""
    first_error: int | None = None
    probability: float | None = None
    by_answer: bool = False
    rollouts: int = 0
    missing: int = 0
    steps: Sequence[StepResult] = ()

    @property
    def item_id(self) -> int:
        return self.solution_id


def result_by_strategy(state: SolutionState, strategy: Strategy, *, by_answer: bool) -> SolutionResult:
    """The strategy's labels for these counts; all good where the solution's right answer suffices (`by_answer`)."""
    labels = all_good(state.case) if by_answer else strategy.read(state.case, state.counts())
    return result_from(state, labels, by_answer=by_answer)


def result_from(state: SolutionState, labels: StrategyLabels, *, by_answer: bool = False) -> SolutionResult:
    """The result of a solution. One without a label or a counted rollout at any step is a failure."""
    counts_by_step = state.counts()
    notes = [
        f"step {position + 1}: {note}"
        for position, batches in enumerate(state.outcomes)
        if (note := missing_note("".join(batches.values()), state.reasons[position]))
    ]
    steps = []
    for position, counts in enumerate(counts_by_step):
        if counts.rollouts:
            basis = "rollouts"
        elif by_answer or position in state.case.graded_positions:
            basis = "answer"
        else:
            basis = "inferred"
        step = StepResult(
            step_id=state.step_ids[position],
            rollouts=counts.rollouts or None,
            successes=counts.successes if counts.rollouts else None,
            missing=counts.missing,
            hard=labels.hard[position],
            basis=basis,
            tokens=state.tokens[position],
        )
        if step.hard is not None or step.rollouts:
            steps.append(step)
    missing = sum(counts.missing for counts in counts_by_step)
    if not steps:
        reason = notes[0] if notes else "No rollout could be counted."
        return SolutionResult(state.solution_id, failure=f"No step could be labeled: {reason}", missing=missing)
    return SolutionResult(
        state.solution_id,
        note="; ".join(notes),
        first_error=labels.first_error,
        probability=labels.probability,
        by_answer=by_answer,
        rollouts=sum(counts.rollouts for counts in counts_by_step),
        missing=missing,
        steps=steps,
    )
