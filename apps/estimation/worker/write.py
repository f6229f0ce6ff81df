"""Inserts of rollouts and results in bulk. A row that exists already was stored by a worker that took the solution over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.core.db.prepared import fetch
from apps.core.db.prepared import run as run_statement
from apps.estimation.engine.outcomes import RolloutOutcome, missing_count
from apps.estimation.engine.results import SolutionResult, StepResult
from apps.estimation.engine.solution_state import Batch
from apps.estimation.models import EstimationRun
from apps.runs.changes import RunChanges, first_of_each, storable

_BATCHES = """
    INSERT INTO estimation_rolloutbatch (run_id, step_id, ordinal, outcomes, tokens, reason)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::int[], %s::text[])
    ON CONFLICT DO NOTHING RETURNING id, step_id, ordinal
"""
_RESULTS = """
    INSERT INTO estimation_solutionestimate
        (run_id, solution_id, failure, note, first_error, probability, by_answer, rollouts, missing)
    SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::float8[], %s::bool[], %s::int[], %s::int[])
    ON CONFLICT DO NOTHING RETURNING solution_id
"""
_STEPS = """
    INSERT INTO estimation_stepestimate (run_id, step_id, rollouts, successes, missing, hard, basis, tokens)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::bool[], %s::text[], %s::bigint[])
    ON CONFLICT DO NOTHING
"""
_ROLLOUTS = """
    INSERT INTO estimation_rollout (batch_id, index, text, answer, outcome)
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
"""


def insert(run: EstimationRun, batches: Sequence[Batch], results: Sequence[SolutionResult]) -> RunChanges:
    changes = _insert_batches(run, batches) if batches else RunChanges()
    if results:
        changes += _insert_results(run, results)
    return changes


def _insert_batches(run: EstimationRun, batches: Sequence[Batch]) -> RunChanges:
    batches = first_of_each(batches, lambda batch: (batch.step_id, batch.ordinal))
    columns: list[list[Any]] = [
        [batch.step_id for batch in batches],
        [batch.ordinal for batch in batches],
        [batch.letters for batch in batches],
        [batch.response.usage.completion_tokens for batch in batches],
        [storable(batch.reason) for batch in batches],
    ]
    ids = {(step_id, ordinal): pk for pk, step_id, ordinal in fetch(_BATCHES, [run.pk, *columns])}
    changes = RunChanges()
    for batch in batches:
        if (batch.step_id, batch.ordinal) not in ids:
            changes.taken_over.add(batch.solution_id)
            continue
        usage, letters = batch.response.usage, batch.letters
        missing = missing_count(letters)
        changes.add(
            rollouts=len(letters) - missing,
            missing=missing,
            requests=batch.response.requests,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
        changes.tokens_are_estimated |= usage.is_estimated
    if run.keeps_rollouts and ids:
        _insert_texts(batches, ids)
    return changes


def _insert_texts(batches: Sequence[Batch], ids: dict[tuple[int, int], int]) -> None:
    rows = [
        (pk, index, storable(rollout.text), storable(rollout.answer), str(rollout.outcome))
        for batch in batches
        if (pk := ids.get((batch.step_id, batch.ordinal))) is not None
        for index, rollout in enumerate(batch.rollouts)
        if rollout.outcome != RolloutOutcome.LOST
    ]
    if rows:
        run_statement(_ROLLOUTS, [list(column) for column in zip(*rows, strict=True)])


def _insert_results(run: EstimationRun, results: Sequence[SolutionResult]) -> RunChanges:
    results = first_of_each(results, lambda result: result.solution_id)
    columns: list[list[Any]] = [
        [result.solution_id for result in results],
        [storable(result.failure) for result in results],
        [storable(result.note) for result in results],
        [result.first_error for result in results],
        [result.probability for result in results],
        [result.by_answer for result in results],
        [result.rollouts for result in results],
        [result.missing for result in results],
    ]
    new_ids = {solution_id for (solution_id,) in fetch(_RESULTS, [run.pk, *columns])}
    _insert_steps(run, [step for result in results if result.solution_id in new_ids for step in result.steps])
    changes = RunChanges()
    for result in results:
        if result.solution_id not in new_ids:
            changes.taken_over.add(result.solution_id)
            continue
        changes.add(done=1, failed=bool(result.failure), by_answer=result.by_answer, steps=len(result.steps))
    return changes


def _insert_steps(run: EstimationRun, steps: Sequence[StepResult]) -> None:
    columns: list[list[Any]] = [
        [step.step_id for step in steps],
        [step.rollouts for step in steps],
        [step.successes for step in steps],
        [step.missing for step in steps],
        [step.hard for step in steps],
        [step.basis for step in steps],
        [step.tokens for step in steps],
    ]
    if steps:
        run_statement(_STEPS, [run.pk, *columns])
