"""Running an import: read, grade, land, chunk by chunk, each chunk and its counters in one transaction."""

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
from apps.core.jobs import JobStatus, system_trouble, unforeseen
from apps.core.readahead import ahead
from apps.core.transient_errors import TRANSIENT_ERRORS
from apps.corpus.grading import grade_records, grade_ungraded, regrade_by_stored
from apps.corpus.imports.extensions import record_importers
from apps.corpus.imports.files import Line, read_rows
from apps.corpus.imports.readers import READERS, options_for
from apps.corpus.imports.store import Incoming, Outcome, store_records
from apps.corpus.models import ImportBatch, ImportFinding, Problem, Solution, Step
from apps.corpus.records import Record, RowError, checked
from apps.verifiers.pool.pool import GradingPool

log = logging.getLogger(__name__)

# Of the parts of rows that nobody reads: so many are named, by so many characters.
MOST_NAMES, LONGEST_NAME = 200, 200
OTHER_NAMES = "(other names)"

Progress = Callable[[ImportBatch], None]


@dataclass(slots=True)
class Chunk:
    """Some lines of the file, read: what can land, and what cannot."""

    last_line: int = 0
    position: int = 0
    rows: int = 0
    incoming: list[Incoming] = field(default_factory=list)
    errors: list[tuple[int, RowError]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    grading_seconds: float = 0.0


def run_import(*, batch_id: int, progress: Progress | None = None) -> ImportBatch:
    """Bring the batch's file in, from after the last line that landed. Safe to call again at any time."""
    batch = ImportBatch.objects.select_related("project").get(pk=batch_id)
    # "import" itself is the purpose of the projects' locks: a batch and a project may have the same number.
    with try_advisory_lock("import batch", batch_id) as claimed:
        if not claimed or batch.has_ended:
            return batch
        batch.start(keep_clock=True)
        try:
            Path(batch.file.path).open("rb").close()
        except OSError as error:
            batch.end(JobStatus.FAILED, error=f"The file cannot be opened: {error.strerror}.")
            return batch
        try:
            _bring_in(batch, progress or (lambda _: None))
        except OSError as error:
            log.warning("import %s ends: %s", batch_id, error)
            batch.end(JobStatus.FAILED, error=system_trouble(error, ended="import"))
        except TRANSIENT_ERRORS as error:
            log.warning("import %s waits, to be taken up again: %s", batch_id, error)
            raise
        except Exception as error:
            # What has landed before stays, with its counters.
            log.exception("import %s ends with an error that was not foreseen", batch_id)
            batch.end(JobStatus.FAILED, error=unforeseen(error, ended="import"))
        return batch


def _bring_in(batch: ImportBatch, progress: Progress) -> None:
    """Chunks are read and graded in a thread, while the one before them lands."""
    with GradingPool() as pool, ahead(_chunks(batch, pool)) as chunks:
        for chunk in chunks:
            _land_grades(batch, chunk, pool)
            if not _land_chunk(batch, chunk, pool):
                return
            progress(batch)
    if batch.solutions >= settings.IMPORT_CHUNK:
        analyze(Problem, Solution, Step, *(table for sink in record_importers() for table in sink.tables))
    batch.done = batch.total or batch.done
    batch.end(JobStatus.FINISHED)


def _chunks(batch: ImportBatch, pool: GradingPool) -> Iterator[Chunk]:
    """Needs no database: it runs in a thread of its own."""
    reader = READERS[batch.format]
    options = options_for(reader, batch.options)
    already, verifier = batch.line, batch.project.verifier
    lines = (line for line in read_rows(Path(batch.file.path)) if line.number > already)
    while chunk := _read_chunk(lines, lambda row: reader.read(row, options)):
        started = time.perf_counter()
        grades = grade_records([one.record for one in chunk.incoming], verifier=verifier, pool=pool)
        for one, graded in zip(chunk.incoming, grades, strict=True):
            one.graded = graded
        chunk.grading_seconds = time.perf_counter() - started
        yield chunk


def _read_chunk(lines: Iterator[Line], read: Callable[[dict[str, object]], Iterator[Record]]) -> Chunk | None:
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
        chunk.incoming.extend(one for record in records for one in Incoming.all_of(line.number, record))
        # Once for a row, however many records it makes.
        chunk.ignored.update({part[:LONGEST_NAME] for record in records for part in record.ignored})
    return chunk if chunk.rows else None


def _land_grades(batch: ImportBatch, chunk: Chunk, pool: GradingPool) -> None:
    """What the thread could not know: the answers of problems that stand already."""
    started = time.perf_counter()
    grades = regrade_by_stored(
        [one.record for one in chunk.incoming],
        [one.problem_digest for one in chunk.incoming],
        [one.graded for one in chunk.incoming],
        project_id=batch.project_id,
        verifier=batch.project.verifier,
        pool=pool,
    )
    for one, graded in zip(chunk.incoming, grades, strict=True):
        one.graded = graded
    batch.grading_seconds += chunk.grading_seconds + time.perf_counter() - started


def _land_chunk(batch: ImportBatch, chunk: Chunk, pool: GradingPool) -> bool:
    """Land a chunk with its findings and counters; False when the import has been cancelled."""
    try:
        with transaction.atomic():
            commit_without_waiting()
            outcome = store_records(batch, chunk.incoming)
            going_on = _record(batch, chunk, outcome)
    except DatabaseError as error:
        if not _is_about_rows(error):
            raise
        # The readers check what they can; whatever only the database refuses is found row by row.
        log.warning("import %s: a chunk was refused, landing it row by row: %s", batch.pk, error)
        batch.refresh_from_db()
        with transaction.atomic():
            outcome = _land_one_by_one(batch, chunk.incoming)
            going_on = _record(batch, chunk, outcome)
    if outcome.filled_problem_ids:
        grade_ungraded(outcome.filled_problem_ids, verifier=batch.project.verifier, pool=pool)
    return going_on


def _land_one_by_one(batch: ImportBatch, incoming: Sequence[Incoming]) -> Outcome:
    total = Outcome()
    for one in incoming:
        together = _together(one)
        if not together:
            continue
        try:
            with transaction.atomic():
                total.add(store_records(batch, together))
        except DatabaseError as error:
            if not _is_about_rows(error):
                raise
            total.reject(one, "", f"the database refused it: {str(error).splitlines()[0]}")
    return total


def _is_about_rows(error: DatabaseError) -> bool:
    """True where another try would end the same; else the server is away, or full."""
    return isinstance(error, DataError | IntegrityError) or isinstance(error.__cause__, ProgramLimitExceeded)


def _together(one: Incoming) -> list[Incoming]:
    """The sides of a comparison land with its left one, so that both stand before they are compared."""
    if one.pairing is None:
        return [one]
    left, right = one.pairing.left, one.pairing.right
    if one is right is not left:
        return []
    return [left] if left is right else [left, right]


def _record(batch: ImportBatch, chunk: Chunk, outcome: Outcome) -> bool:
    """Write down what the chunk came to. The row's lock orders it with a cancellation."""
    stored = ImportBatch.objects.select_for_update().only("status").get(pk=batch.pk)
    findings = [_rejected(batch, line, error) for line, error in (*chunk.errors, *outcome.rejected)]
    rejected_lines = {finding.line for finding in findings}
    differences = list(_differences(batch, chunk, rejected_lines))
    ImportFinding.objects.bulk_create([*findings, *differences], batch_size=1000)
    batch.rows += chunk.rows
    batch.rejected += len(rejected_lines)
    batch.differences += len(differences)
    for name in ("problems", "solutions", "steps", "labels", "skipped_existing"):
        setattr(batch, name, getattr(batch, name) + getattr(outcome, name))
    left_out = Counter(part for _, part in outcome.ignored)
    batch.ignored = _bounded(Counter(batch.ignored) + chunk.ignored + left_out)
    batch.line, batch.status = chunk.last_line, stored.status
    batch.beat(done=chunk.position)
    return not stored.has_ended


def _bounded(ignored: Counter[str]) -> dict[str, int]:
    """A file may have any number of names that nobody reads: beyond some, they are counted together."""
    kept = {name: count for name, count in ignored.items() if name != OTHER_NAMES}
    others = dict(list(kept.items())[MOST_NAMES:])
    rest = ignored[OTHER_NAMES] + sum(others.values())
    return {name: count for name, count in kept.items() if name not in others} | ({OTHER_NAMES: rest} if rest else {})


def _rejected(batch: ImportBatch, line: int, error: RowError) -> ImportFinding:
    return ImportFinding(
        batch=batch, kind=ImportFinding.Kind.REJECTED, line=line, field=error.field[:1000], reason=error.reason[:2000]
    )


def _differences(batch: ImportBatch, chunk: Chunk, rejected_lines: set[int]) -> Iterator[ImportFinding]:
    for one in chunk.incoming:
        claimed = one.record.solution.is_correct if one.record.solution else None
        told = one.graded.difference(claimed=claimed) if one.is_new and one.line not in rejected_lines else None
        if told is not None:
            source = one.record.solution.source if one.record.solution else None
            yield ImportFinding(
                batch=batch, kind=ImportFinding.Kind.DIFFERENCE, line=one.line, field=source or "", reason=told[:2000]
            )
