"""Runs an export: streams records from the database through the policy into files."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import msgspec
from django.conf import settings
from django.utils import timezone

from apps.core.db.locks import try_advisory_lock
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Comparison, Solution
from apps.exports.card import dataset_card
from apps.exports.chunk_rows import rows_by_split
from apps.exports.contamination import checked_against, contamination_index
from apps.exports.files import CARD, MANIFEST, export_folder
from apps.exports.formats import FORMATS
from apps.exports.labels.contamination import ContaminationIndex
from apps.exports.load.records import count_retired, load_records
from apps.exports.manifest import build_manifest, combined_sha256
from apps.exports.models import Export
from apps.exports.part_names import part_name
from apps.exports.policy import LabelPolicy
from apps.exports.services import agreement_of
from apps.exports.tally import Tally
from apps.exports.writers import MixedWriter, Part, PartWriter


class Cancelled(Exception):
    """The export was cancelled while it ran."""


def run_export(*, export_id: int) -> Export:
    """Write the files and the manifest. Safe to call again at any time: it starts over."""
    export = Export.objects.select_related("project").get(pk=export_id)
    with try_advisory_lock("export", export_id) as claimed:
        if not claimed or export.has_ended:
            return export
        tables: dict[str, type[Solution | Comparison]] = {"solution": Solution, "comparison": Comparison}
        kinds = FORMATS[export.format].kinds(LabelPolicy.from_dict(export.policy))
        export.total = sum(tables[kind].objects.filter(project=export.project).count() for kind in kinds)
        export.start()
        place = export_folder(export)

        def fail(reason: str) -> None:
            shutil.rmtree(place, ignore_errors=True)
            export.end(JobStatus.FAILED, error=reason)

        with end_on_error(f"export {export_id}", fail, noun="export", is_os_error_final=True):
            # An interrupted attempt may have left files that this one would not overwrite.
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            try:
                _make(export, place)
            except Cancelled:
                shutil.rmtree(place, ignore_errors=True)
    return export


def _make(export: Export, place: Path) -> None:
    policy, tally = LabelPolicy.from_dict(export.policy), Tally()
    for unit, count in count_retired(export.project, of=FORMATS[export.format].kinds(policy)).items():
        tally.leave_out(unit, "of problems that are retired", count)
    index = contamination_index(policy, export.project)
    parts = _write_parts(export, policy, tally, place, index)
    manifest = build_manifest(
        version=settings.VERSION,
        project=export.project.slug,
        format_=FORMATS[export.format],
        container=export.container,
        policy=policy,
        tally=tally,
        parts=parts,
        agreement=agreement_of(export.project),
        contamination=checked_against(policy, export.project),
    )
    (place / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    (place / CARD).write_text(dataset_card(manifest), encoding="utf-8")
    export.manifest, export.parts = manifest, [asdict(part) for part in parts]
    export.rows, export.bytes = tally.rows, sum(part.bytes for part in parts)
    export.sha256 = combined_sha256([part.sha256 for part in parts])
    export.done = export.total or 0
    export.end(JobStatus.FINISHED)


def _write_parts(
    export: Export, policy: LabelPolicy, tally: Tally, place: Path, index: ContaminationIndex | None
) -> list[Part]:
    format_ = FORMATS[export.format]
    columns = format_.schema(policy)
    splits = list(policy.splits) or [""]
    names = {split: part_name(split, 0, 1, export.container) for split in splits}
    with ExitStack() as stack:
        part_writers = {
            split: stack.enter_context(PartWriter(place / name, export.container, columns))
            for split, name in names.items()
        }
        writers: dict[str, PartWriter | MixedWriter] = {**part_writers}
        if format_.mixed_column:
            writers = {
                split: stack.enter_context(MixedWriter(writer, format_.mixed_column, place))
                for split, writer in part_writers.items()
            }
        for records in load_records(export.project, of=format_.kinds(policy)):
            for split, rows in rows_by_split(records, format_, policy, tally, index).items():
                writers[split].write(rows)
                tally.count_rows(rows)
            if Export.objects.filter(pk=export.pk, status=JobStatus.CANCELLED).exists():
                raise Cancelled
            export.done += len(records)
            Export.objects.filter(pk=export.pk).update(done=export.done, beat_at=timezone.now())
    return [writer.part() for writer in part_writers.values()]
