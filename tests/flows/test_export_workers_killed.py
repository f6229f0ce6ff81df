"""Exports with real worker processes, one of which is killed: the files are those of an export made in place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import SILENT_AFTER, JobStatus
from apps.exports.files import parts
from apps.exports.files.parts import cut_parts
from apps.exports.files.storage import export_folder
from apps.exports.models import Export, ExportPart
from apps.exports.run import run_export
from apps.exports.services import cancel_export, create_export
from apps.exports.tasks import make_export, resume_abandoned
from apps.projects.models import Project
from tests.benchmarks.labeled_corpus import labeled_project
from tests.processes import StartWorker, eventually, kill

# A format that is made record by record, so that a part takes a while.
FORMAT, POLICY = "prm800k", {"splits": {"train": 0.8, "test": 0.2}}
SOLUTIONS, PARTS = 6000, 6


@pytest.fixture
def corpus(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(parts, "PART_SIZE", SOLUTIONS // PARTS)
    return labeled_project(solutions=SOLUTIONS)


def asked(project: Project) -> Export:
    """Cut here, so that the parts are small: an export is cut once, and workers take the parts as they are."""
    export = create_export(project=project, format=FORMAT, policy=POLICY, enqueue=False)
    assert len(cut_parts(export)) == PARTS
    return export


def digests(export: Export) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in export_folder(export).iterdir()}


def in_progress(export: Export) -> int:
    return sum(0 < part.done < part.size for part in export.ranges.filter(finished_at=None))


def unfinished(export: Export) -> set[int]:
    return set(ExportPart.objects.filter(export=export, finished_at=None).values_list("pk", flat=True))


def status(export: Export) -> str:
    return Export.objects.get(pk=export.pk).status


@pytest.fixture
def workers(start_worker: StartWorker) -> Iterator[list[object]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start_worker(1)) for _ in range(2)]


def test_an_export_goes_on_after_a_worker_is_killed_and_its_files_are_the_same(
    workers: list[object], corpus: Project
) -> None:
    in_place = run_export(export_id=asked(corpus).pk)
    assert in_place.status == JobStatus.FINISHED, in_place.error
    in_place.refresh_from_db()
    export = asked(corpus)
    make_export.delay(export.pk)
    eventually(lambda: in_progress(export) == 2, every=0.01)
    kill(workers[0])  # type: ignore[arg-type]
    left = unfinished(export)
    assert any(path.name.endswith(".part") for path in export_folder(export).iterdir()), "a half file is there"
    # The other worker writes all parts but those that the killed one had taken.
    eventually(lambda: unfinished(export) < left and in_progress(export) == 1 and len(unfinished(export)) <= 2)
    assert status(export) == JobStatus.RUNNING
    Export.objects.filter(pk=export.pk).update(beat_at=timezone.now() - 2 * SILENT_AFTER)
    resume_abandoned()
    eventually(lambda: status(export) != JobStatus.RUNNING)
    export.refresh_from_db()
    assert (export.status, export.error) == (JobStatus.FINISHED, "")
    assert digests(export) == digests(in_place)
    assert (export.sha256, export.manifest, export.rows) == (in_place.sha256, in_place.manifest, in_place.rows)
    assert len(export.parts) == 2 * PARTS


def test_an_export_that_is_cancelled_after_a_worker_was_killed_leaves_no_file(
    workers: list[object], corpus: Project, alice: User
) -> None:
    export = asked(corpus)
    make_export.delay(export.pk)
    eventually(lambda: in_progress(export) == 2, every=0.01)
    kill(workers[0])  # type: ignore[arg-type]
    assert list(export_folder(export).iterdir())
    cancel_export(export=export, actor=alice)
    seen = unfinished(export)
    another = asked(corpus)
    make_export.delay(another.pk)
    eventually(lambda: another.ranges.exclude(finished_at=None).exists())
    # The worker that is left has done with the messages before.
    assert not export_folder(export).exists()
    assert unfinished(export) == seen
    assert status(export) == JobStatus.CANCELLED
