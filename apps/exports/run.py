"""Runs an export: cuts it into parts, has them written by one worker or several, and puts them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from apps.core.db.locks import try_advisory_lock
from apps.core.errors import DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import wake
from apps.exports.contamination import checked_against
from apps.exports.description.card import dataset_card
from apps.exports.description.manifest import build_manifest, combined_sha256
from apps.exports.files.parts import Ended, assemble, cut_parts, write_part
from apps.exports.files.storage import CARD, MANIFEST, export_folder, refresh, remove_unfinished
from apps.exports.formats import FORMATS
from apps.exports.formats.base import Need
from apps.exports.load.records import count_retired
from apps.exports.models import Export, ExportPart
from apps.exports.policy import LabelPolicy
from apps.exports.services import agreement_of
from apps.exports.tally import Tally
from apps.quality.cascade.services import applied_cascade, certificate_of, check_basis

PART_TASK = "apps.exports.tasks.make_export_part"


def run_export(*, export_id: int, in_place: bool = True) -> Export:
    """Write the files and the manifest. Safe to call again at any time: finished parts are kept.

    Without `in_place`, several parts are left to the workers of the queue, and the last one puts them together.
    """
    with try_advisory_lock("export", export_id) as claimed:
        export = Export.objects.select_related("project").get(pk=export_id)
        if not claimed:
            return export
        if export.has_ended:
            remove_unfinished(export)
            return export
        is_shared = False
        with _ending_on_error(export):
            parts = cut_parts(export)
            _start(export, parts)
            unfinished = [part for part in parts if part.finished_at is None]
            is_shared = bool(unfinished) and not in_place and len(parts) > 1
            if not is_shared:
                for part in unfinished:
                    write_part(export, part)
                _finish(export)
    if is_shared and not export.has_ended:
        for part in unfinished:
            wake(PART_TASK, part.pk)
    return export


def run_part(*, part_id: int) -> None:
    """Write one part, and put the export together after the last one. Safe to call again at any time."""
    with try_advisory_lock("export-part", part_id) as claimed:
        if not claimed:
            return
        # Read within the lock: another worker may have finished the part, and with it the export.
        part = ExportPart.objects.select_related("export__project").get(pk=part_id)
        export = part.export
        if not export.has_ended:
            with _ending_on_error(export):
                write_part(export, part)
    refresh(export)
    if export.has_ended:
        remove_unfinished(export)
    elif not export.ranges.filter(finished_at=None).exists():
        run_export(export_id=export.pk)


@contextmanager
def _ending_on_error(export: Export) -> Iterator[None]:
    """An error ends the export and removes its files, as does a cancellation."""

    def fail(reason: str) -> None:
        remove_unfinished(export)
        # An export that ended meanwhile has removed the files of this part.
        if not export.has_ended:
            export.end(JobStatus.FAILED, error=reason)

    with end_on_error(f"export {export.pk}", fail, noun="export", is_os_error_final=True):
        try:
            yield
        except Ended:
            remove_unfinished(export)


def _start(export: Export, parts: Sequence[ExportPart]) -> None:
    """Mark the export as running. Raises Ended."""
    with transaction.atomic():
        if Export.objects.select_for_update().get(pk=export.pk).has_ended:
            raise Ended
        export.total, export.done = sum(part.size for part in parts), sum(part.done for part in parts)
        export.start(keep_clock=True)


def _finish(export: Export) -> None:
    """Name the files, and write the manifest and the dataset card beside them."""
    policy, tally = LabelPolicy.from_dict(export.policy), Tally()
    format_ = FORMATS[export.format]
    for unit, count in count_retired(export.project, of=format_.kinds(policy)).items():
        tally.leave_out(unit, "of problems that are retired", count)
    parts = assemble(export, list(export.ranges.order_by("number")), tally)
    manifest = build_manifest(
        version=settings.VERSION,
        project=export.project.slug,
        format_=format_,
        container=export.container,
        policy=policy,
        tally=tally,
        parts=parts,
        agreement=agreement_of(export.project),
        contamination=checked_against(policy, export.project),
        certificate=_certificate(export, policy),
    )
    folder = export_folder(export)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    (folder / CARD).write_text(dataset_card(manifest), encoding="utf-8")
    export.manifest, export.parts = manifest, [asdict(part) for part in parts]
    export.rows, export.bytes = tally.rows, sum(part.bytes for part in parts)
    export.sha256 = combined_sha256([part.sha256 for part in parts])
    export.done = export.total or 0
    with transaction.atomic():
        if Export.objects.select_for_update().get(pk=export.pk).has_ended:
            raise Ended
        export.end(JobStatus.FINISHED)


def _certificate(export: Export, policy: LabelPolicy) -> dict[str, Any] | None:
    """The certificate of the cascade by which the policy labels; None where it does not.

    Raises DomainError if another one was applied, or this one withdrawn, while the files were written, and if the labels
    that its promise rests on do not count any more.
    """
    if Need.CASCADE not in FORMATS[export.format].needs(policy):
        return None
    cascade = applied_cascade(export.project)
    if cascade is None or (cascade.applied_at and export.started_at and cascade.applied_at > export.started_at):
        raise DomainError("The cascade that labels solutions was withdrawn or replaced while the export was made.")
    check_basis(cascade)
    return certificate_of(cascade)
