"""From records to rows: one chunk, one transaction, nothing twice.

Problems meet on their statement and solutions on their content, so a file that is imported again,
or that was half imported when its worker was killed, adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.core.db.copy import copy_rows, next_ids
from apps.core.db.locks import advisory_xact_lock
from apps.corpus.imports.extensions import StoredRecord, record_importers
from apps.corpus.imports.store.chunk import Incoming, Outcome
from apps.corpus.imports.store.comparisons import store_comparisons
from apps.corpus.imports.store.problems import store_problems
from apps.corpus.imports.store.solutions import store_solutions
from apps.corpus.imports.store.steps import StepBook
from apps.corpus.models import ImportBatch, Step

__all__ = ["Incoming", "Outcome", "land"]


def store_records(batch: ImportBatch, incoming: Sequence[Incoming]) -> Outcome:
    """Store a chunk. Runs in the caller's transaction, so that the import's counters move with it."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A chunk lands within a transaction.")
    advisory_xact_lock("import", batch.project_id)
    outcome = Outcome()
    rows = store_problems(batch, incoming, outcome)
    bare = [row for row in rows if row.record.solution is None]
    outcome.skipped_existing += sum(not row.is_new and not row.known_problem.is_filled for row in bare)
    rows = store_solutions(batch, [row for row in rows if row.record.solution is not None], outcome)
    landed = _land_steps(rows, outcome)
    sides = {id(row): one for row, one in zip(rows, landed, strict=True)}
    alone = [sides[id(row)] for row in rows if row.pairing is None]
    _land_labels(batch, [*alone, *store_comparisons(batch, rows, sides)], outcome)
    return outcome


def _land_steps(rows: Sequence[Incoming], outcome: Outcome) -> list[StoredRecord]:
    """Steps of new solutions, and the candidates that a row with labels adds to one that stands."""
    upper_bound = sum(len(row.solution.steps) for row in rows)
    book = StepBook(iter(next_ids(Step, upper_bound)))
    speaking = {row.solution_id for row in rows if not row.is_new and _names_steps(row)}
    landing_now = {row.solution_id for row in rows if row.is_new}
    book.remember(
        Step.objects.filter(solution_id__in=speaking - landing_now)
        .order_by("solution_id", "position", "candidate")
        .values_list("id", "solution_id", "position", "candidate", "text", "origin")
    )
    landed = [StoredRecord(row.line, row.record, row.solution_id, is_new=row.is_new) for row in rows]
    for one in landed:
        assert one.record.solution is not None
        if one.is_new:
            one.step_ids = book.add(one.solution_id, one.record.solution.steps)
        elif one.solution_id in speaking:
            one.step_ids = book.match(one.solution_id, one.record.solution.steps)
    outcome.steps += copy_rows(Step, StepBook.FIELDS, book.new)
    return landed


def _names_steps(row: Incoming) -> bool:
    if row.pairing is not None:
        return row.pairing.is_of_steps
    return any(sink.takes(row.record) for sink in record_importers())


def _land_labels(batch: ImportBatch, landed: Sequence[StoredRecord], outcome: Outcome) -> None:
    for sink in record_importers():
        speaking = [one for one in landed if sink.takes(one.record)]
        if speaking:
            outcome.labels += sink.store_records(batch, speaking)
    outcome.ignored |= {(one.line, part) for one in landed for part in one.ignored}
    outcome.skipped_existing += sum(not (one.is_new or one.added or one.ignored) for one in landed)
