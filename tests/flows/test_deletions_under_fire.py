"""A deletion whose worker is killed goes on where it stopped, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files import File

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch, Problem, Solution, Step
from apps.corpus.services import create_import
from apps.labeling.models import Assignment, Round, StepLabel
from apps.projects.models import Project
from apps.removal.kinds import KINDS
from apps.removal.models import Deletion
from apps.removal.services import delete
from apps.removal.tasks import delete_in_batches
from tests.benchmarks.corpora import write_corpus
from tests.cast import make_problem, make_solution
from tests.processes import AtWork, StartWorker, eventually, kill

SOLUTIONS = settings.IMPORT_CHUNK


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    return write_corpus(path, solutions=SOLUTIONS, labeled=True, graded=False)


def test_a_killed_deletion_of_a_big_import_goes_on(
    start_worker: StartWorker, at_work: AtWork, project: Project, alice: User, corpus: Path
) -> None:
    kept = make_solution(make_problem(project))
    with corpus.open("rb") as file:
        batch = create_import(
            project=project, file=File(file), filename=corpus.name, format="jsonl", uploaded_by=alice, enqueue=False
        )
    run_import(batch_id=batch.pk)
    batch.refresh_from_db()
    assert Solution.objects.count() == SOLUTIONS + 1
    stored = Path(batch.file.path)
    with start_worker() as worker:
        deletion = delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
        assert deletion is not None
        eventually(lambda: 1 < Solution.objects.count() <= SOLUTIONS)
        kill(worker)
        worker.wait()
    left = Solution.objects.count()
    assert 1 < left <= SOLUTIONS
    # No solution is half deleted.
    assert not Step.objects.filter(solution=None).exists()
    assert all(Step.objects.filter(solution=pk).exists() for pk in Solution.objects.values_list("pk", flat=True)[:50])
    # The broker gives the message back only when its time is up; the clock's task sends it again at once.
    delete_in_batches.delay(deletion.pk)
    with at_work():
        eventually(lambda: Deletion.objects.get(pk=deletion.pk).status == JobStatus.FINISHED)
    assert list(Solution.objects.all()) == [kept]
    assert list(Problem.objects.all()) == [kept.problem]
    for model in (ImportBatch, Assignment, StepLabel, Round):
        assert not model.objects.exists(), model
    assert not stored.exists()
    ended = Deletion.objects.get()
    assert (ended.error, ended.done) == ("", ended.total)
