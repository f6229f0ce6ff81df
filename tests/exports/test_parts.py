"""An export is written in parts by several workers: the same files whoever writes them, and nothing half-done."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.exports import run
from apps.exports.files import parts
from apps.exports.files.part_names import part_name
from apps.exports.files.parts import cut_parts
from apps.exports.files.storage import export_folder
from apps.exports.formats.trl_prm import TrlPrm
from apps.exports.load import spans
from apps.exports.load.spans import Span, cut_pieces, cut_spans
from apps.exports.models import Export, ExportPart
from apps.exports.policy import LabelPolicy
from apps.exports.rows import chunks
from apps.exports.rows.stream import stream_rows
from apps.exports.run import run_export, run_part
from apps.exports.services import cancel_export, create_export
from apps.exports.tasks import make_export, make_export_part
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from apps.removal.kinds import KINDS
from apps.removal.services import delete
from tests.cast import make_problem, make_solution

PROBLEMS = 7


@pytest.fixture
def labeled(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Seven problems with two solutions each, whose first step is gold; parts of about four solutions."""
    for number in range(PROBLEMS):
        problem = make_problem(project, f"Problem {number}?")
        for answer in range(2):
            solution = make_solution(problem, [f"Step {number}.{answer}.", "End."])
            GoldLabel.objects.create(step=solution.steps.get(position=0), rating=1)
    monkeypatch.setattr(parts, "PART_SIZE", 4)
    return project


def files(export: Export) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in export_folder(export).iterdir()}


def asked(project: Project, **policy: Any) -> Export:
    return create_export(project=project, format="trl-prm", policy=policy, enqueue=False)


@pytest.mark.django_db
def test_parts_are_named_as_the_hub_expects_and_hold_all_rows_in_order(labeled: Project) -> None:
    export = run_export(export_id=asked(labeled).pk)
    names = [part["name"] for part in export.parts]
    assert names == [part_name("", number, 4, "jsonl") for number in range(4)]
    assert sum(part["rows"] for part in export.parts) == export.rows == 2 * PROBLEMS
    lines = b"".join((export_folder(export) / name).read_bytes() for name in names)
    assert lines == b"".join(stream_rows(labeled, "trl-prm", LabelPolicy()))
    assert (export.done, export.total) == (2 * PROBLEMS, 2 * PROBLEMS)


@pytest.mark.django_db
def test_workers_that_share_the_parts_make_the_same_files_as_one(labeled: Project) -> None:
    alone = run_export(export_id=asked(labeled).pk)
    alone.refresh_from_db()
    export = asked(labeled)
    cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    for part in export.ranges.order_by("-number"):
        assert Export.objects.get(pk=export.pk).status == JobStatus.RUNNING
        run_part(part_id=part.pk)
        run_part(part_id=part.pk)
    export.refresh_from_db()
    assert export.status == JobStatus.FINISHED
    assert files(export) == files(alone)
    assert (export.sha256, export.manifest) == (alone.sha256, alone.manifest)


@pytest.mark.django_db
def test_an_export_that_was_interrupted_goes_on_where_it_was(labeled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_export(export_id=asked(labeled).pk)
    export = asked(labeled)
    first, *_ = cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    run_part(part_id=first.pk)
    written = ExportPart.objects.get(pk=first.pk).finished_at
    (export_folder(export) / ".00001-.jsonl.part").write_text("half a line")
    export = run_export(export_id=export.pk)
    assert files(export) == files(whole)
    assert ExportPart.objects.get(pk=first.pk).finished_at == written


@pytest.mark.django_db
def test_a_cancelled_export_leaves_no_file_and_its_other_parts_are_not_written(
    labeled: Project, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    export = asked(labeled)
    first, second, *_ = cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    run_part(part_id=first.pk)
    assert files(export)
    cancel_export(export=export, actor=alice)
    run_part(part_id=second.pk)
    assert ExportPart.objects.get(pk=second.pk).finished_at is None
    assert not export_folder(export).exists()
    assert run_export(export_id=export.pk).status == JobStatus.CANCELLED
    assert not export_folder(export).exists()


@pytest.mark.django_db
def test_a_part_that_is_cancelled_after_its_last_chunk_removes_its_files(
    labeled: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(labeled)
    chunk_rows = parts.chunk_rows

    def cancelling(*arguments: Any, **options: Any) -> Any:
        yield from chunk_rows(*arguments, **options)
        cancel_export(export=export, actor=alice)

    monkeypatch.setattr(parts, "chunk_rows", cancelling)
    assert run_export(export_id=export.pk).status == JobStatus.CANCELLED
    assert not export_folder(export).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("in_parts", [False, True])
def test_an_export_that_is_deleted_while_it_is_written_leaves_no_file(
    labeled: Project, alice: User, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    """Once it is cancelled it can be deleted, and its worker has a chunk at hand still."""
    export = asked(labeled)
    first, *_ = cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    chunk_rows = parts.chunk_rows

    def deleting(*arguments: Any, **options: Any) -> Any:
        yield from chunk_rows(*arguments, **options)
        cancel_export(export=export, actor=alice)
        delete(kind=KINDS["export"], row=Export.objects.get(pk=export.pk), project=labeled, actor=alice)

    monkeypatch.setattr(parts, "chunk_rows", deleting)
    if in_parts:
        run_part(part_id=first.pk)
    else:
        assert run_export(export_id=export.pk).status == JobStatus.CANCELLED
    assert not Export.objects.exists()
    assert not export_folder(export).exists()


@pytest.mark.django_db
def test_a_cancelled_export_without_a_worker_leaves_no_file(
    labeled: Project, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    export = asked(labeled)
    first, *_ = cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    run_part(part_id=first.pk)
    with django_capture_on_commit_callbacks(execute=True):
        cancel_export(export=export, actor=alice)
    assert not export_folder(export).exists()


@pytest.mark.django_db
def test_a_second_message_for_a_part_leaves_the_files_of_a_finished_export(
    labeled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes while another worker writes the part, and gets the lock when that one has finished the export."""
    export = asked(labeled)
    cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status=JobStatus.RUNNING)
    last = export.ranges.order_by("-number")[0]
    lock = run.try_advisory_lock

    def claim_late(purpose: str, key: int) -> Any:
        monkeypatch.setattr(run, "try_advisory_lock", lock)
        for part in export.ranges.order_by("number"):
            run_part(part_id=part.pk)
        return lock(purpose, key)

    monkeypatch.setattr(run, "try_advisory_lock", claim_late)
    run_part(part_id=last.pk)
    export.refresh_from_db()
    assert export.status == JobStatus.FINISHED
    assert set(files(export)) == {"README.md", "manifest.json", *(part["name"] for part in export.parts)}


@pytest.mark.django_db
def test_a_part_that_is_cancelled_while_it_is_written_removes_its_files(
    labeled: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(labeled)
    frame, made = TrlPrm.frame, []

    def cancelling(*arguments: Any) -> Any:
        cancel_export(export=export, actor=alice)
        made.append(frame(*arguments))
        return made[-1]

    monkeypatch.setattr(TrlPrm, "frame", cancelling)
    monkeypatch.setattr(parts, "REPORT_EVERY_S", 0)
    monkeypatch.setattr(chunks, "COLUMN_CHUNK", 1)
    assert run_export(export_id=export.pk).status == JobStatus.CANCELLED
    assert not export_folder(export).exists()
    assert len(made) == 1, "nothing is made after the chunk in which the export was cancelled"


@pytest.mark.django_db
def test_an_export_without_rows_fails_and_says_why(project: Project) -> None:
    make_solution(make_problem(project), ["One."])
    export = run_export(export_id=asked(project).pk)
    assert export.status == JobStatus.FAILED
    assert export.error == ("The export would be empty. Left out: solutions: no source of the policy labels them (1).")
    assert not export_folder(export).exists()


@pytest.mark.django_db
def test_an_export_of_an_empty_project_fails(project: Project) -> None:
    export = run_export(export_id=asked(project).pk)
    assert export.error == "The export would be empty: the project has nothing to export in this format."


@pytest.mark.django_db
def test_a_split_without_rows_has_no_file_and_the_card_says_so(labeled: Project) -> None:
    export = run_export(export_id=asked(labeled, splits={"train": 0.999, "test": 0.001}).pk)
    assert {part["split"] for part in (export.manifest or {})["parts"]} == {"train"}
    assert "The split test has no rows, so it has no file." in (export.manifest or {})["notices"]
    assert [part["name"] for part in export.parts] == [part_name("train", number, 4, "jsonl") for number in range(4)]


@pytest.mark.django_db
@pytest.mark.parametrize("container", ["jsonl", "jsonl.gz", "parquet"])
def test_the_same_data_give_the_same_bytes_whatever_the_chunks(
    labeled: Project, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digests() -> list[str]:
        export = create_export(project=labeled, format="trl-prm", container=container, enqueue=False)
        export = run_export(export_id=export.pk)
        return [hashlib.sha256(content).hexdigest() for name, content in sorted(files(export).items())]

    before = digests()
    monkeypatch.setattr(chunks, "COLUMN_CHUNK", 3)
    assert digests() == before


@pytest.mark.django_db
def test_a_problem_is_cut_only_if_it_has_very_many_solutions(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in (2, 9, 1):
        problem = make_problem(project)
        for number in range(count):
            make_solution(problem, [f"Step {number}."])
    wide = cut_spans(project, of=("solution",), size=4)
    assert [span.size for span in wide] == [11, 1]
    assert [piece for span in wide for piece in cut_pieces(project, span, size=4)] == wide
    monkeypatch.setattr(spans, "LARGEST_PROBLEM", 4)
    pieces = [piece for span in wide for piece in cut_pieces(project, span, size=4)]
    assert [spans.solutions_in(project, piece).count() for piece in pieces] == [2, 4, 4, 1, 1]
    assert isinstance(pieces[0], Span)


def test_names_bear_no_slug(tmp_path: Path) -> None:
    assert part_name("", 0, 1, "parquet") == "data-00000-of-00001.parquet"
    assert part_name("test", 3, 12, "jsonl.gz") == "test-00003-of-00012.jsonl.gz"


@pytest.mark.django_db
def test_the_task_leaves_several_parts_to_the_workers_of_the_queue(
    labeled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def keep(task: str, key: int) -> bool:
        assert task == make_export_part.name
        sent.append(key)
        return True

    monkeypatch.setattr(run, "wake", keep)
    export = asked(labeled)
    make_export(export.pk)
    export.refresh_from_db()
    assert (export.status, export.total, len(sent)) == (JobStatus.RUNNING, 2 * PROBLEMS, 4)
    for pk in sent:
        make_export_part(pk)
    export.refresh_from_db()
    assert (export.status, export.rows) == (JobStatus.FINISHED, 2 * PROBLEMS)
    make_export(export.pk)
    assert Export.objects.get(pk=export.pk).sha256 == export.sha256
