"""An import whose worker is killed goes on where it stopped, and nothing is doubled or missing."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest
from django.core.files import File
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core.jobs import JobStatus
from apps.corpus.models import ImportBatch, Solution, Step
from apps.corpus.services import create_import
from apps.corpus.tasks import import_file
from apps.labeling.models import Assignment, StepLabel
from apps.projects.models import Project
from tests.benchmarks.corpora import STEPS, write_corpus
from tests.cast import bearer
from tests.processes import any_worker, eventually, kill, running

SOLUTIONS = 12_000


def test_a_file_sent_to_the_api_is_imported_by_a_worker(
    worker: subprocess.Popen[bytes], alice: User, project: Project
) -> None:
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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_import_goes_on(transactional_db: None, project: Project, tmp_path: Path, seed: int) -> None:
    path = write_corpus(tmp_path / "corpus.jsonl", solutions=SOLUTIONS, labeled=True, graded=False)
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")

    def landed() -> int:
        return ImportBatch.objects.get(pk=batch.pk).line

    import_file.delay(batch.pk)
    with running(any_worker()) as worker:
        wanted = random.Random(seed).randint(1, SOLUTIONS - 2000)
        eventually(lambda: landed() >= wanted)
        kill(worker)
        worker.wait()
    stopped = landed()
    assert 0 < stopped < SOLUTIONS
    # The broker gives the message back only when its time is up; the clock's task sends it again at once.
    import_file.delay(batch.pk)
    with running(any_worker()):
        eventually(lambda: ImportBatch.objects.get(pk=batch.pk).status == JobStatus.FINISHED)
        time.sleep(0.2)

    batch.refresh_from_db()
    assert (batch.rows, batch.solutions, batch.skipped_existing) == (SOLUTIONS, SOLUTIONS, 0)
    assert Solution.objects.count() == SOLUTIONS
    assert Step.objects.count() == SOLUTIONS * STEPS
    assert Assignment.objects.count() == SOLUTIONS
    assert StepLabel.objects.count() == batch.labels
