"""From counts to what is stored of steps and solutions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.estimation.engine.outcomes import missing_note
from apps.estimation.engine.solution_state import Work
from apps.estimation.strategies.base import Counts, Reading, Strategy, all_good


@dataclass(frozen=True, slots=True)
class StepResult:
    """`rollouts` and `successes` are None where the step was not rolled out; `how` says where `hard` is from."""

    step_id: int
    rollouts: int | None
    successes: int | None
    missing: int
    hard: bool | None
    how: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Result:
    solution_id: int
    failure: str = ""
    note: str = ""
    first_error: int | None = None
    probability: float | None = None
    by_answer: bool = False
    rollouts: int = 0
    missing: int = 0
    steps: Sequence[StepResult] = ()


def failed(solution_id: int, reason: str) -> Result:
    return Result(solution_id, failure=reason)


def result_of(work: Work, strategy: Strategy, *, by_answer: bool) -> Result:
    """What the strategy reads from the counts."""
    reading = all_good(work.case) if by_answer else strategy.read(work.case, work.seen())
    return result_from(work, reading, by_answer=by_answer)


def result_from(work: Work, reading: Reading, *, by_answer: bool = False) -> Result:
    """A solution of which nothing can be said has failed."""
    seen = work.seen()
    notes = [
        f"step {position + 1}: {note}"
        for position, batches in enumerate(work.outcomes)
        if (note := missing_note("".join(batches.values()), work.reasons[position]))
    ]
    steps = [_step(work, position, seen, reading, by_answer=by_answer) for position in range(work.case.steps)]
    told = [step for step in steps if step.hard is not None or step.rollouts]
    missing = sum(counts.missing for counts in seen)
    if not told:
        reason = notes[0] if notes else "No rollout could be counted."
        return Result(work.solution_id, failure=f"Nothing can be said: {reason}", missing=missing)
    return Result(
        work.solution_id,
        note="; ".join(notes),
        first_error=reading.first_error,
        probability=reading.probability,
        by_answer=by_answer,
        rollouts=sum(counts.rollouts for counts in seen),
        missing=missing,
        steps=told,
    )


def _step(work: Work, position: int, seen: Sequence[Counts], reading: Reading, *, by_answer: bool) -> StepResult:
    counts, hard = seen[position], reading.hard[position]
    if counts.rollouts:
        how = "rollouts"
    elif by_answer or position in work.case.settled:
        how = "answer"
    else:
        how = "inferred"
    return StepResult(
        step_id=work.step_ids[position],
        rollouts=counts.rollouts or None,
        successes=counts.successes if counts.rollouts else None,
        missing=counts.missing,
        hard=hard,
        how=how,
        tokens=work.tokens[position],
    )
