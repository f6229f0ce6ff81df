"""The client against the real web server and a real worker."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import datasets
import pandas as pd
import pytest

from annotate_client import (
    AuthenticationError,
    Client,
    Conflict,
    InvalidInput,
    JobFailed,
    NotAllowed,
    NotFound,
    Project,
    RowsRejected,
    WaitTimeout,
)
from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.corpus.models import Solution
from apps.demo.seeding import register_reasoner
from apps.labeling.models import Round as StoredRound
from apps.projects.models import Project as StoredProject
from tests.estimation.model import model_of
from tests.world import rate

ROOT = Path(__file__).resolve().parent.parent.parent


def row(number: int, **problem: object) -> dict[str, object]:
    return {
        "problem": {"statement": f"Compute {number} + 2.", "reference_answer": str(number + 2), **problem},
        "solution": {"steps": ["We add.", f"The answer is {number + 2}."]},
    }


@pytest.fixture
def client(web: str, alice: User) -> Iterator[Client]:
    with Client(web, issue_token(user=alice)[1], progress=False) as client:
        yield client


@pytest.fixture
def algebra(client: Client, project: StoredProject) -> Project:
    return client.project(project.slug)


def test_the_readme_goes_from_rows_to_a_training_file(
    web: str, worker: None, alice: User, reasoner_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_reasoner(url=reasoner_server)
    (code,) = re.findall(r"```python\n(.+?)```", (ROOT / "client/README.md").read_text(), re.DOTALL)
    code = code.replace("http://127.0.0.1:8000", web).replace("TOKEN", issue_token(user=alice)[1])
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102 - the project's own README
    (line,) = (tmp_path / "train.jsonl").read_text().splitlines()
    assert json.loads(line).keys() >= {"prompt", "completions", "labels"}


def test_rows_come_from_files_generators_frames_and_datasets(worker: None, algebra: Project, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(1)) + "\n")
    assert algebra.import_rows(path).info["solutions"] == 1
    assert algebra.import_rows(row(number) for number in range(2, 4)).info["solutions"] == 2
    assert algebra.import_rows(datasets.Dataset.from_list([row(4)])).info["solutions"] == 1
    table = pd.DataFrame({"question": ["Compute 5 + 2."], "answer": ["7"], "level": [float("nan")]})
    mapping = {"problem.statement": "question", "solution.text": "answer"}
    assert algebra.import_rows(table, mapping=mapping).info["solutions"] == 1
    again = algebra.import_rows(path)
    assert (again.rows, again.skipped_existing, again.info["solutions"]) == (1, 1, 0)
    assert {solution["problem"] for solution in algebra.rows("solutions")} == set(
        Solution.objects.values_list("problem", flat=True)
    )


def test_rejected_rows_are_an_error_that_names_them(worker: None, algebra: Project) -> None:
    with pytest.raises(RowsRejected, match="1 of 2 rows were rejected") as raised:
        algebra.import_rows([row(1), {"problem": {}}])
    (rejected,) = raised.value.rows
    assert (rejected.line, rejected.field) == (2, "problem.statement")
    assert raised.value.result.info["solutions"] == 1
    assert algebra.import_rows([row(1), {"problem": {}}], allow_rejected=True).rejected == 1


def test_a_round_is_opened_followed_and_read(worker: None, client: Client, algebra: Project, bob: User) -> None:
    algebra.import_rows([row(1), row(2), row(3)])
    draft = algebra.open_round("first_error", draft=True)
    assert draft.preview()["tasks"] == 3
    round_ = draft.update(redundancy=1, name="First").open()
    rate(StoredRound.objects.get(), bob, 1, -1)
    rate(StoredRound.objects.get(), bob, 1, 1)
    progress = round_.progress()
    assert (progress.submitted, progress.slots, round(progress.share, 2), progress.status) == (2, 3, 0.67, "open")
    labels = list(round_.labels())
    assert [label["rating"] for label in labels] == [1, -1, 1, 1]
    assert algebra.labels(rating=-1).to_pandas()["rating"].tolist() == [-1]
    assert algebra.labels().to_dataset()["position"][:2] == [0, 1]
    # Pages of one row each: all of them come.
    pages = client.transport.pages("/projects/algebra/step-labels", {"page_size": 1})
    assert [label["id"] for label in pages] == [label["id"] for label in labels]
    with pytest.raises(Conflict, match="2 submissions"):
        round_.pause().delete()
    assert round_.close().info["status"] == "closed"
    assert [one.number for one in algebra.rounds(status="closed")] == [1]


def test_an_export_is_downloaded_and_checked(worker: None, algebra: Project, bob: User, tmp_path: Path) -> None:
    algebra.import_rows([row(1), row(2)])
    algebra.open_round()
    for _ in range(2):
        rate(StoredRound.objects.get(), bob, 1, -1)
    for container in ("jsonl", "parquet"):
        export = algebra.export("trl-prm", container=container)
        path = export.download(tmp_path / f"train.{container}")
        assert hashlib.sha256(path.read_bytes()).hexdigest() in {file.sha256 for file in export.data_files()}
        assert export.rows == 2
        assert export.to_dataset()["labels"][:] == [[True, False]] * 2
        assert list(export.to_pandas().columns) == list(export.to_dataset().column_names)
    names = {file.name for file in export.download_all(tmp_path / "all")}
    assert {"README.md", "manifest.json"} < names
    split = algebra.export("trl-prm", policy={"splits": {"train": 0.5, "test": 0.5}})
    if len(split.data_files()) > 1:
        with pytest.raises(InvalidInput, match="download_all"):
            split.download(tmp_path / "both.jsonl")
    assert len(algebra.exports(format="trl-prm", status="finished")) == 3


def test_runs_are_started_waited_for_and_listed(worker: None, algebra: Project, model_server: str) -> None:
    model_of(model_server, latency_s=0.0)
    algebra.import_rows([row(1), row(2)])
    algebra.add_endpoint("fast", url=model_server, model="fast")
    run = algebra.estimate("fast", "math-shepherd", rollouts=4, temperature=1.0, seed=1)
    assert (run.status, run.number, run.done) == ("finished", 1, 2)
    assert len(list(algebra.rows("estimates", run=run.number))) == 4
    sampled = algebra.sample("fast", per_problem=1, max_tokens=20)
    assert sampled.info["requests"] > 0
    assert [one.id for one in algebra.runs("sampling-runs", status="finished")] == [sampled.id]
    run.delete()
    assert algebra.runs() == []


def test_a_run_that_is_cancelled_or_slow_is_an_error(algebra: Project, model_server: str, bob: User) -> None:
    """No worker is there: the run waits for one."""
    from tests.cast import make_problem, make_solution

    make_solution(make_problem(StoredProject.objects.get(), reference_answer="1"))
    algebra.add_endpoint("fast", url=model_server, model="fast")
    run = algebra.estimate("fast", "math-shepherd", wait=False)
    with pytest.raises(WaitTimeout, match="is queued after"):
        run.wait(timeout=0.2)
    run.cancel()
    with pytest.raises(JobFailed, match="was cancelled"):
        run.wait()


def test_errors_of_the_server_have_their_types(web: str, client: Client, algebra: Project, bob: User) -> None:
    with pytest.raises(NotFound):
        client.project("nowhere")
    with pytest.raises(InvalidInput) as raised:
        algebra.open_round("guess")
    assert set(raised.value.fields) == {"protocol"}
    assert client.create_project("algebra", exists_ok=True).name == "Algebra"
    with pytest.raises(InvalidInput):
        client.create_project("algebra")
    with Client(web, "wrong") as stranger, pytest.raises(AuthenticationError):
        stranger.projects()
    with Client(web, issue_token(user=bob)[1]) as labeler, pytest.raises(NotAllowed):
        labeler.project("algebra").update(name="Bob's")
    assert algebra.update(name="Linear algebra").name == "Linear algebra"
    assert f"{web}/join/" in algebra.invite("reviewer")
    assert algebra.publish_guidelines("# Rules") == algebra.publish_guidelines("# Rules") == 1
