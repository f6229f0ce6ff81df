"""Runs an import: reads, grades and stores chunk by chunk, each with its counters in one transaction."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, transaction
from psycopg.errors import ProgramLimitExceeded

from apps.core.db.copy import analyze, commit_without_waiting
from apps.core.db.locks import try_advisory_lock
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.core.readahead import read_ahead
from apps.corpus.grading import grade_records, grade_ungraded, regrade_by_stored
from apps.corpus.imports.extensions import record_importers
from apps.corpus.imports.files import Line, read_rows
from apps.corpus.imports.readers import READERS, options_for
from apps.corpus.imports.store import Incoming, Outcome, store_records
from apps.corpus.models import ImportBatch, ImportFinding, Problem, Solution, Step
from apps.corpus.models.imports import IMPORT_LOCK
from apps.corpus.records import Record, RowError, checked
from apps.verifiers.pool.pool import GradingPool

log = logging.getLogger(__name__)

# Of the parts of rows that are ignored: how many are named, and the length of a name.
MOST_NAMES, LONGEST_NAME = 200, 200
OTHER_NAMES = "(other names)"


@dataclass(slots=True)
class Chunk:
    """Some lines of the file: the records that can be stored, and the errors of the other lines."""

    last_line: int = 0
    position: int = 0
    rows: int = 0
    incoming: list[Incoming] = field(default_factory=list)
    errors: list[tuple[int, RowError]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    grading_seconds: float = 0.0


def run_import(*, batch_id: int) -> ImportBatch:
    """Import the batch's file from after the last line that is stored. It may be called again at any time."""
    batch = ImportBatch.objects.select_related("project").get(pk=batch_id)
    with try_advisory_lock(IMPORT_LOCK, batch_id) as claimed:
        if not claimed or batch.has_ended:
            return batch
        batch.start(keep_clock=True)
        try:
            Path(batch.file.path).open("rb").close()
        except OSError as error:
            batch.end(JobStatus.FAILED, error=f"The file cannot be opened: {error.strerror}.")
            return batch
        # What was stored before the error stays, with its counters.
        with end_on_error(
            f"import {batch_id}",
            lambda reason: batch.end(JobStatus.FAILED, error=reason),
            noun="import",
            is_os_error_final=True,
        ):
            _import_chunks(batch)
        return batch


def _import_chunks(batch: ImportBatch) -> None:
    """Chunks are read and graded in a thread, while the previous one is stored."""
    with GradingPool() as pool, read_ahead(_chunks(batch, pool)) as chunks:
        for chunk in chunks:
            regrade_chunk(batch, chunk, pool)
            if not store_chunk(batch, chunk, pool):
                return
    if batch.solutions >= settings.IMPORT_CHUNK:
        analyze(Problem, Solution, Step, *(table for importer in record_importers() for table in importer.tables))
    batch.done = batch.total or batch.done
    batch.end(JobStatus.FINISHED)


def _chunks(batch: ImportBatch, pool: GradingPool) -> Iterator[Chunk]:
    """Runs in a thread of its own and uses no database."""
    reader = READERS[batch.format]
    options = options_for(reader, batch.options)
    last_line, verifier = batch.line, batch.project.verifier
    lines = (line for line in read_rows(Path(batch.file.path)) if line.number > last_line)
    while chunk := read_chunk(lines, lambda row: reader.read(row, options)):
        started = time.perf_counter()
        grades = grade_records([row.record for row in chunk.incoming], verifier=verifier, pool=pool)
        for row, graded in zip(chunk.incoming, grades, strict=True):
            row.graded = graded
        chunk.grading_seconds = time.perf_counter() - started
        yield chunk


def read_chunk(lines: Iterator[Line], read: Callable[[dict[str, object]], Iterator[Record]]) -> Chunk | None:
    """The next lines of the file as records; None at its end."""
    chunk = Chunk()
    for line in islice(lines, settings.IMPORT_CHUNK):
        chunk.rows += 1
        chunk.last_line, chunk.position = line.number, line.position
        try:
            if line.error is not None:
                raise line.error
            records = [checked(record) for record in read(line.row)]
        except RowError as error:
            chunk.errors.append((line.number, error))
            continue
        for record in records:
            chunk.incoming.extend(Incoming.all_of(line.number, record))
        # Counted once for a row, however many records it has.
        chunk.ignored.update({part[:LONGEST_NAME] for record in records for part in record.ignored})
    return chunk if chunk.rows else None


def regrade_chunk(batch: ImportBatch, chunk: Chunk, pool: GradingPool) -> None:
    """Grade by the stored answers of existing problems, which the thread does not know."""
    started = time.perf_counter()
    grades = regrade_by_stored(
        [row.record for row in chunk.incoming],
        [row.problem_digest for row in chunk.incoming],
        [row.graded for row in chunk.incoming],
        project_id=batch.project_id,
        verifier=batch.project.verifier,
        pool=pool,
    )
    for row, graded in zip(chunk.incoming, grades, strict=True):
        row.graded = graded
    batch.grading_seconds += chunk.grading_seconds + time.perf_counter() - started


def store_chunk(batch: ImportBatch, chunk: Chunk, pool: GradingPool) -> bool:
    """Store a chunk with its findings and counters; False when the import has been cancelled."""
    try:
        with transaction.atomic():
            commit_without_waiting()
            outcome = store_records(batch, chunk.incoming)
            is_running = _record(batch, chunk, outcome)
    except DatabaseError as error:
        if not _is_about_rows(error):
            raise
        # The readers check what they can; a row that only the database refuses is found by storing row by row.
        log.warning("import %s: a chunk was refused and is stored row by row: %s", batch.pk, error)
        batch.refresh_from_db()
        with transaction.atomic():
            outcome = store_one_by_one(batch, chunk.incoming)
            is_running = _record(batch, chunk, outcome)
    if outcome.filled_problem_ids:
        grade_ungraded(outcome.filled_problem_ids, verifier=batch.project.verifier, pool=pool)
    return is_running


def store_one_by_one(batch: ImportBatch, incoming: Sequence[Incoming]) -> Outcome:
    """The sides of a comparison are stored with its left one, so that both exist before they are compared."""
    total = Outcome()
    for row in incoming:
        rows = [row]
        if row.pairing is not None:
            rows = (
                [row.pairing.left] if row.pairing.left is row.pairing.right else [row.pairing.left, row.pairing.right]
            )
        if rows[0] is not row:
            continue
        try:
            with transaction.atomic():
                total.add(store_records(batch, rows))
        except DatabaseError as error:
            if not _is_about_rows(error):
                raise
            total.reject(row, "", f"the database refused it: {str(error).splitlines()[0]}")
    return total


def _is_about_rows(error: DatabaseError) -> bool:
    """True where another attempt would fail again; otherwise the server is unreachable or full."""
    return isinstance(error, DataError | IntegrityError) or isinstance(error.__cause__, ProgramLimitExceeded)


def _record(batch: ImportBatch, chunk: Chunk, outcome: Outcome) -> bool:
    """Save what came of the chunk; False when the import has been cancelled, which the row's lock orders."""
    stored = ImportBatch.objects.select_for_update().only("status").get(pk=batch.pk)
    findings = [
        ImportFinding(
            batch=batch,
            kind=ImportFinding.Kind.REJECTED,
            line=line,
            field=error.field[:1000],
            reason=error.reason[:2000],
        )
        for line, error in (*chunk.errors, *outcome.rejected)
    ]
    rejected_lines = {finding.line for finding in findings}
    differences = list(differences_of(batch, chunk, rejected_lines))
    ImportFinding.objects.bulk_create([*findings, *differences], batch_size=1000)
    batch.rows += chunk.rows
    batch.rejected += len(rejected_lines)
    batch.differences += len(differences)
    for name in ("problems", "solutions", "steps", "labels", "skipped_existing"):
        setattr(batch, name, getattr(batch, name) + getattr(outcome, name))
    ignored = Counter(part for _, part in outcome.ignored)
    batch.ignored = _bounded(Counter(batch.ignored) + chunk.ignored + ignored)
    batch.line, batch.status = chunk.last_line, stored.status
    batch.beat(done=chunk.position)
    return not stored.has_ended


def _bounded(ignored: Counter[str]) -> dict[str, int]:
    """A file may have any number of ignored names; those beyond MOST_NAMES are counted together."""
    counts = [(name, count) for name, count in ignored.items() if name != OTHER_NAMES]
    rest = ignored[OTHER_NAMES] + sum(count for _, count in counts[MOST_NAMES:])
    return dict(counts[:MOST_NAMES]) | ({OTHER_NAMES: rest} if rest else {})


def differences_of(batch: ImportBatch, chunk: Chunk, rejected_lines: set[int]) -> Iterator[ImportFinding]:
    """Where the verifier disagrees with what the file claims of a new solution."""
    for row in chunk.incoming:
        solution = row.record.solution
        if solution is None or not row.is_new or row.line in rejected_lines:
            continue
        difference = row.graded.difference(claimed=solution.is_correct)
        if difference is not None:
            yield ImportFinding(
                batch=batch,
                kind=ImportFinding.Kind.DIFFERENCE,
                line=row.line,
                field=solution.source or "",
                reason=difference[:2000],
            )
