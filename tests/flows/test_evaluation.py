"""Over HTTP, with a real worker: a benchmark file goes in, raters are evaluated against it, figures come out."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import ImportBatch, Solution
from apps.projects.models import Membership, Project
from tests.cast import bearer, signed_in
from tests.evaluation.scored_project import judge, make_judge_run, make_samples
from tests.processes import eventually

API = "/api/v1"
# ProcessBench's own form; label is the first error.
ROWS = [
    {
        "id": f"math-{number}",
        "generator": "a model",
        "problem": f"What is {number} + {number}?",
        "steps": ["We add.", f"It is {2 * number + (label >= 0)}.", "Done."],
        "final_answer_correct": label < 0,
        "label": label,
    }
    for number, label in enumerate([1, 1, -1, 2, -1, -1])
]


def post(client: Client, path: str, body: object = None) -> Any:
    return client.post(f"{API}{path}", body if body is not None else {}, content_type="application/json")


@pytest.fixture
def benchmark(worker: None, project: Project, alice: User) -> Project:
    file = io.BytesIO("".join(json.dumps(row) + "\n" for row in ROWS).encode())
    file.name = "processbench.jsonl"
    taken = bearer(alice).post(f"{API}/projects/{project.slug}/imports", {"file": file, "format": "processbench"})
    eventually(lambda: ImportBatch.objects.get(pk=taken.json()["id"]).status == JobStatus.FINISHED)
    return project


def test_a_judge_is_evaluated_on_a_benchmark_file(benchmark: Project, alice: User, rita: User) -> None:
    run = make_judge_run(benchmark)
    for row, rating in zip(ROWS, (-1, 1, 1, -1, 1, -1), strict=True):
        judge(run, Solution.objects.get(problem__statement=row["problem"]), 1, rating, 1)
    api = bearer(rita)
    taken = post(api, f"/projects/{benchmark.slug}/evaluations", {"kind": "processbench", "options": {"truth": "gold"}})
    assert (taken.status_code, taken.json()["status"]) == (202, "queued")
    address = f"{API}/evaluations/{taken.json()['id']}"
    eventually(lambda: api.get(address).json()["status"] == "finished")
    found = api.get(address).json()
    (row,) = found["result"]["raters"]
    assert row["rater"] == {"kind": "judge", "name": "critic v1, run 1"}
    # Of three errors it names one; of three right solutions it calls two correct.
    assert row["erroneous"]["value"] == pytest.approx(1 / 3)
    assert row["correct"]["value"] == pytest.approx(2 / 3)
    assert row["f1"]["value"] == pytest.approx(4 / 9)
    (listed,) = api.get(f"{API}/projects/{benchmark.slug}/evaluations?kind=processbench").json()["results"]
    assert "result" not in listed
    assert listed["options"]["truth"] == "gold"
    assert api.get(f"{API}/projects/{benchmark.slug}/evaluations?kind=steps").json()["results"] == []
    assert api.get(f"{API}/projects/{benchmark.slug}/evaluations?kind=none").status_code == 400
    page = signed_in(alice).get(f"/projects/{benchmark.slug}/evaluation").content.decode()
    assert "critic v1, run 1" in page
    assert "44 %" in page


def test_best_of_n_is_computed_by_a_worker_and_its_file_downloaded(worker: None, project: Project, alice: User) -> None:
    """The worker compares the answers in the grading pool, whose children it starts."""
    make_samples(project, problems=5, samples=6)
    answers = [r"\frac{1}{2}", "0.5", "50\\%", None]
    for number, solution in enumerate(project.solutions.filter(is_correct=False)):
        Solution.objects.filter(pk=solution.pk).update(final_answer=answers[number % 4])
    page = signed_in(alice)
    fields = {"kind": "best_of_n", "scorer": "run 1", "truth": "gold", "by": "level", "dev_share": "0.2", "max_n": "8"}
    asked = page.post(f"/projects/{project.slug}/evaluation/new", fields)
    assert asked.status_code == 302
    (evaluation,) = project.evaluations.all()
    eventually(lambda: project.evaluations.filter(status="finished").exists())
    shown = page.get(asked["Location"]).content.decode()
    assert "5 problems with 30 samples" in shown
    assert "<desc" in shown
    file = page.get(f"/projects/{project.slug}/evaluation/{evaluation.pk}/best-of-n.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [row["Choice"] for row in rows][:3] == [
        "any of N (pass@N)",
        "majority",
        "prm, run 1, product of all steps",
    ]
    assert float(rows[0]["N = 6"]) >= float(rows[1]["N = 6"])
    assert float(rows[1]["N = 6 low"]) <= float(rows[1]["N = 6"]) <= float(rows[1]["N = 6 high"])


def test_bad_requests_name_the_option(project: Project, alice: User) -> None:
    api, address = bearer(alice), f"/projects/{project.slug}/evaluations"
    for body, field in (
        ({"kind": "guess"}, "kind"),
        ({"kind": "steps", "options": {"threshold": 2}}, "threshold"),
        ({"kind": "steps", "options": {"guess": 2}}, "guess"),
        ({"kind": "best_of_n", "options": {"scorer": "nobody"}}, "scorer"),
    ):
        answer = post(api, address, body)
        assert answer.status_code in {400, 422}
        assert field in answer.json()["error"]["fields"]
    assert not project.evaluations.exists()


def test_reviewers_read_pseudonyms_and_managers_names(project: Project, alice: User, rita: User, bob: User) -> None:
    from apps.evaluation.run import run_evaluation
    from apps.evaluation.services import create_evaluation
    from apps.quality.consensus.recompute import recompute_project
    from tests.cast import make_gold, make_problem, make_round, make_solution
    from tests.quality.submissions import mark_all_stale
    from tests.world import rate

    make_gold(make_solution(make_problem(project)), 1, -1)
    rate(make_round(project), bob, 1, -1)
    mark_all_stale(project)
    recompute_project(project)
    evaluation = run_evaluation(evaluation_id=create_evaluation(project=project, kind="processbench").pk)
    pseudonym = Membership.objects.get(project=project, user=bob).pseudonym
    page = f"/projects/{project.slug}/evaluation/{evaluation.pk}"
    for_reviewer = signed_in(rita).get(page).content.decode()
    assert pseudonym[:8] in for_reviewer
    assert "Bob" not in for_reviewer
    assert "Bob" in signed_in(alice).get(page).content.decode()
    raters = bearer(alice).get(f"{API}/evaluations/{evaluation.pk}").json()["result"]["raters"]
    assert {"kind": "person", "name": pseudonym} in [row["rater"] for row in raters]
    assert signed_in(bob).get(page).status_code == 403
