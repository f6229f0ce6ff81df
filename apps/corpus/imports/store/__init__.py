"""Stores a chunk of records in one transaction, each record once.

Problems are identified by their statement and solutions by their content. A file that is imported again, or whose
worker was killed halfway, therefore adds only what is missing.
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
from apps.corpus.imports.store.steps import StepIndex
from apps.corpus.models import ImportBatch, Step

__all__ = ["Incoming", "Outcome", "store_records"]


def store_records(batch: ImportBatch, incoming: Sequence[Incoming]) -> Outcome:
    """Store a chunk and return what came of it.

    Runs in the caller's transaction, so that the import's counters change with it. Raises TransactionManagementError
    outside of one.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A chunk is stored within a transaction.")
    advisory_xact_lock("import", batch.project_id)
    outcome = Outcome()
    rows = store_problems(batch, incoming, outcome)
    bare = [row for row in rows if row.record.solution is None]
    outcome.skipped_existing += sum(not row.is_new and not row.known_problem.is_filled for row in bare)
    rows = store_solutions(batch, [row for row in rows if row.record.solution is not None], outcome)
    stored = store_steps(rows, outcome)
    sides = {id(row): solution for row, solution in zip(rows, stored, strict=True)}
    unpaired = [sides[id(row)] for row in rows if row.pairing is None]
    records = [*unpaired, *store_comparisons(batch, rows, sides)]
    for importer in record_importers():
        relevant = [record for record in records if importer.takes(record.record)]
        if relevant:
            outcome.labels += importer.store_records(batch, relevant)
    outcome.ignored |= {(record.line, part) for record in records for part in record.ignored}
    outcome.skipped_existing += sum(not (record.is_new or record.added or record.ignored) for record in records)
    return outcome


def store_steps(rows: Sequence[Incoming], outcome: Outcome) -> list[StoredRecord]:
    """Store the steps of new solutions, and the candidates that a row with labels adds to an existing one."""
    upper_bound = sum(len(row.solution.steps) for row in rows)
    index = StepIndex(iter(next_ids(Step, upper_bound)))
    labeled_ids: set[int] = set()
    for row in rows:
        importers = () if row.pairing is not None else record_importers()
        names_steps = row.pairing is not None and row.pairing.is_of_steps
        if not row.is_new and (names_steps or any(importer.takes(row.record) for importer in importers)):
            labeled_ids.add(row.solution_id)
    new_ids = {row.solution_id for row in rows if row.is_new}
    index.load(
        Step.objects.filter(solution_id__in=labeled_ids - new_ids)
        .order_by("solution_id", "position", "candidate")
        .values_list("id", "solution_id", "position", "candidate", "text", "origin")
    )
    stored = [StoredRecord(row.line, row.record, row.solution_id, is_new=row.is_new) for row in rows]
    for solution in stored:
        assert solution.record.solution is not None
        if solution.is_new:
            solution.step_ids = index.add(solution.solution_id, solution.record.solution.steps)
        elif solution.solution_id in labeled_ids:
            solution.step_ids = index.match(solution.solution_id, solution.record.solution.steps)
    outcome.steps += copy_rows(Step, StepIndex.FIELDS, index.new)
    return stored
