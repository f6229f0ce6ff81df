"""An import whose worker is killed goes on where it stopped, and nothing is doubled or missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import ImportBatch, Solution, Step
from apps.corpus.services import create_import
from apps.corpus.tasks import import_file
from apps.labeling.models import Assignment, StepLabel
from apps.projects.models import Project
from tests.benchmarks.corpora import STEPS, write_corpus
from tests.cast import bearer
from tests.processes import AtWork, StartWorker, eventually, kill

# Some transactions' worth, so that there is a middle to be killed in.
SOLUTIONS = 4 * settings.IMPORT_CHUNK


def test_a_file_sent_to_the_api_is_imported_by_a_worker(worker: None, alice: User, project: Project) -> None:
    client = bearer(alice)
    row = b'{"problem": {"statement": "What is 1 plus 1?"}, "solution": {"text": "Add them.\\nThe answer is: 2"}}\n'
    sent = client.post(
        f"/api/v1/projects/{project.slug}/imports",
        {"file": SimpleUploadedFile("rows.jsonl", row + b"oops\n"), "format": "jsonl"},
    )
    assert sent.status_code == 202, sent.content
    address = f"/api/v1/imports/{sent.json()['id']}"
    eventually(lambda: client.get(address).json()["status"] == "finished")
    told = client.get(address).json()
    assert (told["rows"], told["solutions"], told["steps"], told["rejected"]) == (2, 1, 2, 1)
    assert told["rejected_rows"][0]["line"] == 2


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    return write_corpus(path, solutions=SOLUTIONS, labeled=True, graded=False)


@pytest.mark.parametrize("chunks", [1, 2])
def test_a_killed_import_goes_on(
    start_worker: StartWorker, at_work: AtWork, project: Project, corpus: Path, chunks: int
) -> None:
    with corpus.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=corpus.name, format="jsonl")

    def landed() -> int:
        return ImportBatch.objects.get(pk=batch.pk).line

    import_file.delay(batch.pk)
    with start_worker() as worker:
        eventually(lambda: landed() >= chunks * settings.IMPORT_CHUNK)
        kill(worker)
        worker.wait()
    stopped = landed()
    assert 0 < stopped < SOLUTIONS
    # The broker gives the message back only when its time is up; the clock's task sends it again at once.
    import_file.delay(batch.pk)
    with at_work():
        eventually(lambda: ImportBatch.objects.get(pk=batch.pk).status == JobStatus.FINISHED)

    batch.refresh_from_db()
    assert (batch.rows, batch.solutions, batch.skipped_existing) == (SOLUTIONS, SOLUTIONS, 0)
    assert Solution.objects.count() == SOLUTIONS
    assert Step.objects.count() == SOLUTIONS * STEPS
    assert Assignment.objects.count() == SOLUTIONS
    assert StepLabel.objects.count() == batch.labels
