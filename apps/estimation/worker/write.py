"""Rows of rollouts and results, in bulk, each once: what stands already is in other hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils import timezone

from apps.estimation.engine.outcomes import MISSING, Outcome
from apps.estimation.engine.results import Result, StepResult
from apps.estimation.engine.solution_state import Batch
from apps.estimation.models import EstimationRun

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
    INSERT INTO estimation_stepestimate (run_id, step_id, rollouts, successes, missing, hard, how, tokens)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::bool[], %s::text[], %s::bigint[])
    ON CONFLICT DO NOTHING
"""
_ROLLOUTS = """
    INSERT INTO estimation_rollout (batch_id, index, text, answer, outcome)
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
"""


@dataclass
class Counted:
    """What one flush adds to the run, and the solutions that another worker has at hand."""

    sums: dict[str, int] = field(default_factory=dict)
    tokens_are_estimated: bool = False
    elsewhere: set[int] = field(default_factory=set)

    def add(self, **amounts: int) -> None:
        for name, amount in amounts.items():
            self.sums[name] = self.sums.get(name, 0) + amount

    def __iadd__(self, other: Counted) -> Self:
        self.add(**other.sums)
        self.tokens_are_estimated |= other.tokens_are_estimated
        self.elsewhere |= other.elsewhere
        return self

    def add_to(self, run: EstimationRun) -> None:
        changes = {name: F(name) + amount for name, amount in self.sums.items() if amount}
        if self.tokens_are_estimated:
            changes["tokens_are_estimated"] = True  # type: ignore[assignment]
        if changes:
            EstimationRun.objects.filter(pk=run.pk).update(beat_at=timezone.now(), **changes)


@contextmanager
def one_transaction() -> Iterator[None]:
    """A transaction whose statements are sent without waiting for the answers of those before.

    While a worker is busy, each answer that a thread waits for costs it several milliseconds until it has its turn
    again; and so long requests keep their places in flight.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline(), transaction.atomic():
        yield


def insert(run: EstimationRun, batches: Sequence[Batch], results: Sequence[Result]) -> Counted:
    """Both are sent before either is answered."""
    with connection.cursor() as of_batches, connection.cursor() as of_results:
        _send_batches(of_batches, run, batches)
        _send_results(of_results, run, results)
        counted = _count_batches(of_batches, run, batches)
        counted += _count_results(of_results, run, results)
    return counted


def _send_batches(cursor: CursorWrapper, run: EstimationRun, batches: Sequence[Batch]) -> None:
    if not batches:
        return
    columns: list[list[Any]] = [
        [batch.step_id for batch in batches],
        [batch.ordinal for batch in batches],
        [batch.letters for batch in batches],
        [batch.answer.usage.completion_tokens for batch in batches],
        [_storable(batch.reason) for batch in batches],
    ]
    cursor.execute(_BATCHES, [run.pk, *columns])


def _count_batches(cursor: CursorWrapper, run: EstimationRun, batches: Sequence[Batch]) -> Counted:
    counted = Counted()
    ids = {(step_id, ordinal): pk for pk, step_id, ordinal in cursor.fetchall()} if batches else {}
    for batch in batches:
        if (batch.step_id, batch.ordinal) not in ids:
            counted.elsewhere.add(batch.solution_id)
            continue
        usage, letters = batch.answer.usage, batch.letters
        missing = sum(letters.count(one) for one in MISSING)
        counted.add(
            rollouts=len(letters) - missing,
            missing=missing,
            requests=batch.answer.requests,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
        counted.tokens_are_estimated |= usage.is_estimated
    if run.keeps_rollouts and ids:
        _keep_texts(batches, ids)
    return counted


def _keep_texts(batches: Sequence[Batch], ids: dict[tuple[int, int], int]) -> None:
    rows = [
        (pk, index, _storable(one.text), _storable(one.answer), str(one.outcome))
        for batch in batches
        if (pk := ids.get((batch.step_id, batch.ordinal))) is not None
        for index, one in enumerate(batch.rollouts)
        if one.outcome != Outcome.LOST
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ROLLOUTS, [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 5)


def _send_results(cursor: CursorWrapper, run: EstimationRun, results: Sequence[Result]) -> None:
    if not results:
        return
    columns: list[list[Any]] = [
        [one.solution_id for one in results],
        [_storable(one.failure) for one in results],
        [_storable(one.note) for one in results],
        [one.first_error for one in results],
        [one.probability for one in results],
        [one.by_answer for one in results],
        [one.rollouts for one in results],
        [one.missing for one in results],
    ]
    cursor.execute(_RESULTS, [run.pk, *columns])


def _insert_steps(cursor: CursorWrapper, run: EstimationRun, steps: Sequence[StepResult]) -> None:
    columns: list[list[Any]] = [
        [step.step_id for step in steps],
        [step.rollouts for step in steps],
        [step.successes for step in steps],
        [step.missing for step in steps],
        [step.hard for step in steps],
        [step.how for step in steps],
        [step.tokens for step in steps],
    ]
    cursor.execute(_STEPS, [run.pk, *columns])


def _count_results(cursor: CursorWrapper, run: EstimationRun, results: Sequence[Result]) -> Counted:
    counted = Counted()
    new = {pk for (pk,) in cursor.fetchall()} if results else set()
    if new:
        _insert_steps(cursor, run, [step for one in results if one.solution_id in new for step in one.steps])
    for one in results:
        if one.solution_id not in new:
            counted.elsewhere.add(one.solution_id)
            continue
        counted.add(done=1, failed=bool(one.failure), by_answer=one.by_answer, steps=len(one.steps))
    return counted


def _storable(text: str) -> str:
    """PostgreSQL takes neither NUL nor lone surrogates; a model may write both."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
