"""The parts of an export: ranges of problems, each written by one worker and then put together.

A part is cut by the data alone, never by the number of workers, so that the same data give the same files. It can be
written again at any time: its files get their names when they are complete, and a finished part is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.exports.files.mixer import MixedWriter, Mixer
from apps.exports.files.part_names import part_name
from apps.exports.files.storage import export_folder
from apps.exports.files.writers import Part, PartWriter
from apps.exports.formats import FORMATS
from apps.exports.load.spans import Span, cut_spans
from apps.exports.models import Export, ExportPart
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import with_column
from apps.exports.rows.chunks import chunk_rows, expected_mix
from apps.exports.tally import Tally

PART_SIZE = 100_000  # Solutions and comparisons, about.
MOST_REASONS = 5
REPORT_EVERY_S = 0.5


class Ended(Exception):
    """The export was cancelled, or failed, while a part was written."""


def cut_parts(export: Export) -> list[ExportPart]:
    """The parts of the export, which are cut when it first starts."""
    with transaction.atomic():
        advisory_xact_lock("cut-export", export.pk)
        parts = list(export.ranges.all())
        if parts:
            return parts
        kinds = FORMATS[export.format].kinds(LabelPolicy.from_dict(export.policy))
        spans = cut_spans(export.project, of=kinds, size=PART_SIZE)
        return ExportPart.objects.bulk_create(
            ExportPart(export=export, number=number, first_problem=span.first, last_problem=span.last, size=span.size)
            for number, span in enumerate(spans)
        )


def write_part(export: Export, part: ExportPart) -> None:
    """Write the part's files and keep its counts. Raises Ended."""
    if part.finished_at is not None:
        return
    policy, format_, tally = LabelPolicy.from_dict(export.policy), FORMATS[export.format], Tally()
    folder = export_folder(export)
    folder.mkdir(parents=True, exist_ok=True)
    part.done = 0
    ExportPart.objects.filter(pk=part.pk).update(done=part.done)
    columns = with_column(format_.schema(policy), policy)
    expected = expected_mix(export.project, policy, within=_span(part)) if format_.mixed_column else None
    reported_at = time.monotonic()
    with ExitStack() as stack:
        part_writers: dict[str, PartWriter] = {}
        writers: dict[str, PartWriter | MixedWriter] = {}
        for split in policy.splits or [""]:
            path = folder / _draft_name(part.number, split, export.container)
            writer = stack.enter_context(PartWriter(path, export.container, columns))
            part_writers[split] = writer
            writers[split] = writer
            if format_.mixed_column:
                mixer = Mixer(format_.mixed_column, columns, expected, folder)
                writers[split] = stack.enter_context(MixedWriter(writer, mixer))
        for chunk in chunk_rows(export.project, format_, policy, within=_span(part)):
            for split, rows in chunk.rows.items():
                writers[split].write(rows)
            tally.add(chunk.tally)
            part.done += chunk.records
            if time.monotonic() - reported_at > REPORT_EVERY_S:
                _report(export, part)
                reported_at = time.monotonic()
    # Files that were named after a cancellation are removed like those before.
    _report(export, part)
    files = [asdict(writer.part()) | {"split": split} for split, writer in part_writers.items()]
    part.files, part.tally = files, tally.to_dict()
    part.done, part.finished_at = part.size, timezone.now()
    part.save()


def _span(part: ExportPart) -> Span:
    return Span(part.first_problem, part.last_problem, part.size)


def _draft_name(number: int, split: str, container: str) -> str:
    """The name of a part's file until all parts are finished: only then is it known how many files a split has."""
    return f".{number:05d}-{split}.{container}"


def _report(export: Export, part: ExportPart) -> None:
    """Store the progress. Raises Ended."""
    ExportPart.objects.filter(pk=part.pk).update(done=part.done)
    running = Export.objects.filter(pk=export.pk, status=JobStatus.RUNNING)
    done = ExportPart.objects.filter(export=export.pk).aggregate(done=Sum("done"))["done"]
    if not running.update(done=done, beat_at=timezone.now()):
        raise Ended


def assemble(export: Export, parts: Sequence[ExportPart], tally: Tally) -> list[Part]:
    """Name the files of finished parts, and add their counts to `tally`. Files without rows are left out.

    Safe to repeat. Raises DomainError for an export without rows.
    """
    for part in parts:
        tally.add(Tally.from_dict(part.tally or {}))
    if not tally.rows:
        raise DomainError(_emptiness(tally))
    folder, named = export_folder(export), []
    for split in LabelPolicy.from_dict(export.policy).splits or [""]:
        files = [(part.number, file) for part in parts for file in part.files if file["split"] == split]
        filled = [(number, file) for number, file in files if file["rows"]]
        if not filled:
            tally.notice(f"The split {split} has no rows, so it has no file.")
        for index, (number, file) in enumerate(filled):
            name = part_name(split, index, len(filled), export.container)
            _rename(folder / _draft_name(number, split, export.container), folder / name)
            named.append(Part(name, file["rows"], file["bytes"], file["sha256"]))
    names = {part.name for part in named}
    for path in folder.iterdir():
        # Drafts without rows, and what an interrupted attempt has left.
        if path.name not in names:
            path.unlink()
    return named


def _rename(draft: Path, path: Path) -> None:
    """An interrupted attempt may have named the file already."""
    if draft.exists() or not path.exists():
        draft.rename(path)


def _emptiness(tally: Tally) -> str:
    """Why there are no rows."""
    reasons = [f"{reason} ({count:,})" for reason, count in tally.left_out.most_common(MOST_REASONS)]
    if not reasons:
        return "The export would be empty: the project has nothing to export in this format."
    return f"The export would be empty. Left out: {'; '.join(reasons)}."
