"""Uploads: the operator's size limit, no files left after failures, and bounded previews."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.http.uploads import LimitedUploadHandler
from apps.corpus.imports.preview import MOST_COLUMNS, sample_of
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch, Upload
from apps.corpus.services import create_import, import_upload, keep_upload
from apps.projects.models import Project
from tests.cast import signed_in

pytestmark = pytest.mark.django_db

ROW = json.dumps({"problem": {"statement": "What is 1 + 1?"}, "solution": {"steps": ["2"]}}).encode() + b"\n"
LIMIT = 2 * 1024**2


@pytest.fixture
def disk(settings: Any, tmp_path: Path) -> Path:
    """Where uploads end, and where they wait: both in one folder."""
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "media", tmp_path / "temporary"
    settings.UPLOAD_LIMIT = LIMIT
    for folder in ("media", "temporary"):
        (tmp_path / folder).mkdir()
    return tmp_path


def files(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


@pytest.fixture
def owner(alice: User) -> Client:
    return signed_in(alice)


def sent(size: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("rows.jsonl", (ROW * (size // len(ROW) + 1))[:size])


def send(owner: Client, project: Project, file: Any, **fields: str) -> Any:
    return owner.post(f"/api/v1/projects/{project.slug}/imports", {"format": "jsonl", **fields, "file": file})


@pytest.mark.django_db(transaction=True)
def test_a_file_at_the_limit_is_taken_and_one_over_it_is_not(owner: Client, project: Project, disk: Path) -> None:
    assert send(owner, project, sent(LIMIT)).status_code == 202
    kept = files(disk)
    answer = send(owner, project, sent(LIMIT + 1))
    assert answer.status_code == 413, answer.content
    error = answer.json()["error"]
    assert (error["code"], "2 MiB" in error["message"], "file" in error["fields"]) == ("too_large", True, True)
    assert files(disk) == kept
    assert ImportBatch.objects.count() == 1


def test_all_files_of_a_request_share_the_limit(owner: Client, project: Project, disk: Path) -> None:
    """A form may hold a hundred; nothing of them is kept, whoever sends them."""
    third = LIMIT // 3 + 1
    several = {f"file{number}": sent(third) for number in range(8)} | {"file": sent(third)}
    answer = owner.post(f"/api/v1/projects/{project.slug}/imports", {"format": "jsonl", **several})
    assert answer.status_code == 413, answer.content
    error = answer.json()["error"]
    assert error["code"] == "too_large"
    assert "together with the other files" in error["message"]
    assert "2 MiB" in error["fields"]["file"]
    assert not files(disk)
    page = owner.post(
        reverse("import-new", args=[project.slug]), {"a": sent(third), "b": sent(third), "file": sent(third)}
    )
    assert page.status_code == 413


def test_before_signing_in_no_more_than_the_limit_is_ever_on_disk(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    receive = LimitedUploadHandler.receive_data_chunk

    def watched(self: LimitedUploadHandler, raw_data: bytes, start: int) -> None:
        nonlocal most
        try:
            receive(self, raw_data, start)
        finally:
            most = max(most, sum(path.stat().st_size for path in files(disk)))

    monkeypatch.setattr(LimitedUploadHandler, "receive_data_chunk", watched)
    Client().post("/accounts/login/", {f"file{number}": sent(LIMIT // 2) for number in range(10)})
    assert 0 < most <= LIMIT
    assert not files(disk)


def test_the_page_names_the_limit(owner: Client, project: Project, disk: Path) -> None:
    answer = owner.post(reverse("import-new", args=[project.slug]), {"file": sent(LIMIT + 1)})
    assert answer.status_code == 413
    assert "larger than 2 MiB" in answer.content.decode()
    assert not files(disk)
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "nonsense"},
        {"format": "gsm8k", "options": '{"mapping": {"question": "a"}}'},
        {"options": "{"},
        {"options": '{"mapping": {"problem.subjct": "a"}}'},
        {"options": '{"split": "wherever"}'},
        {"options": '{"colour": 1}'},
    ],
)
def test_a_refused_import_leaves_nothing_on_disk(
    owner: Client, project: Project, disk: Path, fields: dict[str, str]
) -> None:
    answer = send(owner, project, sent(1000), **fields)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["fields"]
    assert not files(disk)


def test_an_empty_file_is_refused_by_all_ways(owner: Client, project: Project, disk: Path, alice: User) -> None:
    assert send(owner, project, sent(0)).status_code == 400
    assert owner.post(reverse("import-new", args=[project.slug]), {"file": sent(0)}).status_code == 422
    with pytest.raises(DomainError, match="empty"):
        create_import(project=project, file=ContentFile(b""), filename="r", format="jsonl")
    assert not files(disk)


class BreaksOff(ContentFile):
    """A file whose second part cannot be read, or not be stored: the file system says so as an OSError."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield ROW
        raise OSError(28, "No space left on device")


def test_a_file_that_is_stored_in_part_is_deleted(project: Project, disk: Path, alice: User) -> None:
    file = BreaksOff(ROW * 2)
    with pytest.raises(DomainError, match="No space left") as error:
        create_import(project=project, file=file, filename="r.jsonl", format="jsonl")
    assert (error.value.status, error.value.fields) == (503, {"file": "No space left on device"})
    with pytest.raises(DomainError, match="No space left"):
        keep_upload(project=project, file=file, filename="r.jsonl", uploaded_by=alice)
    assert not files(disk)
    assert not Upload.objects.exists()
    assert not ImportBatch.objects.exists()


def test_a_file_whose_row_the_database_refuses_is_deleted(project: Project, disk: Path, alice: User) -> None:
    missing = User(pk=2**31 - 5, email="nobody@example.org")
    for keep in (
        lambda: create_import(project=project, file=ContentFile(ROW), filename="r\x00", format="jsonl"),
        lambda: keep_upload(project=project, file=ContentFile(ROW), filename="r\x00", uploaded_by=missing),
    ):
        with pytest.raises((ValueError, DatabaseError)):
            keep()
    assert not files(disk)


def test_an_upload_that_cannot_be_imported_is_kept_for_another_try(project: Project, disk: Path, alice: User) -> None:
    kept = keep_upload(project=project, file=ContentFile(ROW), filename="r.jsonl", uploaded_by=alice)
    with pytest.raises(DomainError):
        import_upload(upload=kept, format="jsonl", options={"mapping": {"nothing": "a"}})
    assert Path(Upload.objects.get().file.path).read_bytes() == ROW
    batch = import_upload(upload=kept, format="jsonl")
    assert Path(batch.file.path).read_bytes() == ROW
    assert len(files(disk)) == 1


# --- looked at --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [8_000])
def test_the_preview_of_a_row_with_thousands_of_names_is_bounded_and_says_so(
    owner: Client, project: Project, disk: Path, alice: User, count: int
) -> None:
    rows = {f"question {number}": {"text": f"What is {number}?", "answer": number} for number in range(count)}
    content = json.dumps(rows).encode() + b"\n" + ROW
    kept = keep_upload(project=project, file=ContentFile(content), filename="r.json", uploaded_by=alice)
    sample = sample_of(Path(kept.file.path))
    assert (len(sample.columns), sample.looks_like_one_object) == (MOST_COLUMNS, True)
    started = time.process_time()
    page = owner.get(reverse("upload", args=[project.slug, kept.pk])).content.decode()
    print(
        f"preview of {count} names: {time.process_time() - started:.2f} s of processor time, {len(page):,} characters"
    )
    assert "looks like one object" in page
    assert f"{count:,} keys" in page
    assert len(page) < 1_000_000


def test_the_preview_names_a_file_of_another_kind_and_does_not_import_it(
    owner: Client, project: Project, disk: Path, alice: User
) -> None:
    kept = keep_upload(project=project, file=ContentFile(b"PK\x03\x04 xl/"), filename="r.jsonl", uploaded_by=alice)
    address = reverse("upload", args=[project.slug, kept.pk])
    page = owner.get(address).content.decode()
    assert "this is an Excel workbook: save its sheet as CSV UTF-8" in page
    assert "Choose another file" in page
    refused = owner.post(address, {"format": "jsonl"})
    assert refused.status_code == 422
    assert "Choose another file" in refused.content.decode()
    assert not ImportBatch.objects.exists()
    assert Upload.objects.filter(pk=kept.pk).exists()


def test_a_table_is_previewed_with_its_delimiter_and_guessed_columns(
    owner: Client, project: Project, disk: Path, alice: User
) -> None:
    content = "problem;response;answer;when\n" + "".join(f"What is {n}?;We say {n}.;{n};\n" for n in range(30))
    kept = keep_upload(project=project, file=ContentFile(content.encode()), filename="r.csv", uploaded_by=alice)
    page = owner.get(reverse("upload", args=[project.slug, kept.pk])).content.decode()
    assert "CSV, separated by semicolons" in page
    assert "How the first 20 land" in page
    assert '<option value="response" selected>' in page
    assert "disabled" not in page.partition('id="import-actions"')[2].partition("</div>")[0]


def test_rows_of_another_format_have_a_link_to_it(owner: Client, project: Project, disk: Path, alice: User) -> None:
    content = json.dumps({"question": "1 + 1?", "answer": "We add.\n#### 2"}).encode()
    kept = keep_upload(project=project, file=ContentFile(content), filename="r.jsonl", uploaded_by=alice)
    address = reverse("upload", args=[project.slug, kept.pk])
    page = owner.get(f"{address}?format=prm800k").content.decode()
    assert "These rows look like GSM8K." in page
    assert f'href="{address}?format=gsm8k"' in page
    assert "1</b> valid as gsm8k" in owner.get(f"{address}?format=gsm8k").content.decode()


def test_rejected_rows_of_a_table_come_back_below_their_header(
    owner: Client, project: Project, disk: Path, alice: User
) -> None:
    content = 'problem,response\n"What, then?",This.\n,nothing\nWho?,"Me\nand you",\n'
    file = ContentFile(content.encode())
    batch = create_import(
        project=project,
        file=file,
        filename="r.csv",
        format="jsonl",
        options={"mapping": {"problem.statement": "problem", "solution.text": "response"}},
        enqueue=False,
    )
    run_import(batch_id=batch.pk)
    rejected = dict(batch.findings.values_list("line", "field"))
    assert rejected == {3: "problem.statement", 4: "cell 3"}
    answer = owner.get(reverse("import-rejected", args=[project.slug, batch.pk]))
    assert answer["Content-Disposition"] == f'attachment; filename="rejected-{batch.pk}.csv"'
    assert b"".join(answer.streaming_content).decode() == 'problem,response\n,nothing\nWho?,"Me\nand you",\n'
