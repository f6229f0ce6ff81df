"""Making an export: a stream from the database through the policy into files."""

from __future__ import annotations

import hashlib
import logging
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import msgspec
from django.conf import settings
from django.utils import timezone

from apps.core.db.copy import sole_worker
from apps.core.jobs import PASSING, JobStatus, system_trouble, unforeseen
from apps.corpus.models import Comparison, Solution
from apps.corpus.records import Record
from apps.exports.formats import FORMATS
from apps.exports.labels.steps import fits
from apps.exports.load.records import collect, count_retired
from apps.exports.manifest import card, manifest
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy, split_of
from apps.exports.services import folder
from apps.exports.tally import Tally, Unit
from apps.exports.writers import MixedWriter, Part, Row, Writer

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Somebody has cancelled the export while it was made."""


def run_export(*, export_id: int) -> Export:
    """Make the files and the manifest. Safe to call again at any time: it starts afresh."""
    export = Export.objects.select_related("project").get(pk=export_id)
    with sole_worker("export", export_id) as claimed:
        if not claimed or export.has_ended:
            return export
        export.total = _size(export)
        export.start()
        place = folder(export)
        try:
            # An attempt that was broken off may have left files that this one does not overwrite.
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _make(export, place)
        except Cancelled:
            shutil.rmtree(place, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            log.warning("export %s ends: %s", export_id, error)
            export.end(JobStatus.FAILED, error=system_trouble(error, ended="export"))
        except PASSING:
            raise
        except Exception as error:
            log.exception("export %s ends with an error that was not foreseen", export_id)
            shutil.rmtree(place, ignore_errors=True)
            export.end(JobStatus.FAILED, error=unforeseen(error, ended="export"))
    return export


def _size(export: Export) -> int:
    """How many records there are to go through."""
    counted: dict[str, type[Solution | Comparison]] = {"solution": Solution, "comparison": Comparison}
    return sum(counted[kind].objects.filter(project=export.project).count() for kind in FORMATS[export.format].of)


def _make(export: Export, place: Path) -> None:
    policy, tally = LabelPolicy.from_dict(export.policy), Tally()
    for unit, count in count_retired(export.project, of=FORMATS[export.format].of).items():
        tally.leave_out(unit, "of problems that are retired", count)
    parts = _write_parts(export, policy, tally, place)
    told = manifest(
        version=settings.VERSION,
        project=export.project.slug,
        format_=FORMATS[export.format],
        container=export.container,
        policy=policy,
        tally=tally,
        parts=parts,
    )
    (place / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    (place / "README.md").write_text(card(told))
    export.manifest, export.parts = told, [asdict(part) for part in parts]
    export.rows, export.bytes, export.sha256 = tally.rows, sum(part.bytes for part in parts), _digest(parts)
    export.done = export.total or 0
    export.end(JobStatus.FINISHED)


def _write_parts(export: Export, policy: LabelPolicy, tally: Tally, place: Path) -> list[Part]:
    format_ = FORMATS[export.format]
    columns = format_.schema(policy)
    stem = f"{export.project.slug}-{export.format}"
    with ExitStack() as stack:
        part_writers = {
            split: stack.enter_context(
                Writer(place / f"{stem}{split and '-'}{split}.{export.container}", export.container, columns)
            )
            for split in policy.splits or [""]
        }
        writers: dict[str, Writer | MixedWriter] = {**part_writers}
        if format_.in_turns:
            writers = {
                split: stack.enter_context(MixedWriter(writer, format_.in_turns, place))
                for split, writer in part_writers.items()
            }
        for records in collect(export.project, of=format_.of):
            for split, rows in _by_split(records, export, policy, tally).items():
                writers[split].write(rows)
                tally.rows += len(rows)
            _report(export, len(records))
    return [writer.part() for writer in part_writers.values()]


def _by_split(records: list[Record], export: Export, policy: LabelPolicy, tally: Tally) -> dict[str, list[Row]]:
    format_ = FORMATS[export.format]
    rows: dict[str, list[Row]] = {}
    for record in records:
        if not fits(record, policy):
            unit: Unit = "solutions" if record.comparison is None else "comparisons"
            tally.leave_out(unit, "not selected by the policy")
            continue
        if record.comparison is not None:
            tally.comparisons += 1
        else:
            tally.solutions += 1
        rows.setdefault(split_of(record.problem.statement, policy), []).extend(format_.rows(record, policy, tally))
    return rows


def _report(export: Export, solutions: int) -> None:
    if Export.objects.filter(pk=export.pk, status=JobStatus.CANCELLED).exists():
        raise Cancelled
    export.done += solutions
    Export.objects.filter(pk=export.pk).update(done=export.done, beat_at=timezone.now())


def _digest(parts: list[Part]) -> str:
    """The file's SHA-256; of several files, that of their digests in order."""
    if len(parts) == 1:
        return parts[0].sha256
    return hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
