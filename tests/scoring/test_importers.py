"""Scores by file: in our own row, in PRM800K's published samples by a mapping, and out again."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from apps.accounts.models import User
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch, Solution
from apps.corpus.services import create_import
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.scoring.latest import newest_scores
from apps.scoring.models import ScoringRun, StepScore
from apps.scoring.reducers import reduced
from tests.cast import make_problem, make_solution

pytestmark = pytest.mark.django_db(transaction=True)

ROW: dict[str, Any] = {
    "problem": {"statement": "What is 1 + 1?"},
    "solution": {"steps": ["We add.", "It is 3."], "verifier_score": -1.25},
    "scores": [
        {"scorer": "prm", "run": 4, "steps": [{"position": 0, "score": 0.9}, {"position": 1, "score": 0.2}]},
        {"scorer": "other", "steps": [{"position": 1, "score": 0.5}]},
    ],
}


def bring_in(project: Project, rows: Sequence[dict[str, Any]], **options: Any) -> ImportBatch:
    content = "\n".join(map(json.dumps, rows)).encode()
    batch = create_import(
        project=project, file=ContentFile(content), filename="rows.jsonl", format="jsonl", options=options
    )
    return run_import(batch_id=batch.pk)


def exported(project: Project, folder: Path) -> list[dict[str, Any]]:
    path = folder / f"{project.slug}.jsonl"
    call_command("export", project=project.slug, format="annotate", output=path, json=True, stdout=io.StringIO())
    return [json.loads(line) for line in path.read_text().splitlines()]


def stored(project: Project) -> set[tuple[str, int | None, int, float]]:
    rows = StepScore.objects.filter(run__project=project)
    return set(rows.values_list("run__model", "run__run_in_file", "step__position", "score"))


def test_scores_of_a_file_are_stored_by_scorer_and_run_and_the_solution_keeps_its_own(project: Project) -> None:
    bring_in(project, [ROW])
    assert stored(project) == {("prm", 4, 0, 0.9), ("prm", 4, 1, 0.2), ("other", None, 1, 0.5)}
    assert Solution.objects.get().verifier_score == -1.25
    runs = ScoringRun.objects.order_by("number")
    assert [(run.number, run.model, run.origin, run.kind, run.status) for run in runs] == [
        (1, "prm", "jsonl", "", "finished"),
        (2, "other", "jsonl", "", "finished"),
    ]


def test_a_second_import_adds_nothing_and_a_contradiction_is_named(project: Project) -> None:
    bring_in(project, [ROW])
    assert bring_in(project, [ROW]).labels == 0
    other = json.loads(json.dumps(ROW))
    other["scores"][0]["steps"][0]["score"] = 0.1
    batch = bring_in(project, [other])
    assert "scores[] (contradicts what is stored)" in batch.ignored
    assert len(stored(project)) == 3


def test_scores_go_out_and_come_in_again_the_same(project: Project, alice: User, tmp_path: Path) -> None:
    bring_in(project, [ROW])
    rows = exported(project, tmp_path)
    assert [row["scores"] for row in rows] == [
        [
            {"scorer": "prm", "run": 4, "steps": [{"position": 0, "score": 0.9}, {"position": 1, "score": 0.2}]},
            {"scorer": "other", "run": None, "steps": [{"position": 1, "score": 0.5}]},
        ]
    ]
    other = create_project(slug="other", name="Other", owner=alice)
    bring_in(other, rows)
    assert stored(other) == stored(project)
    assert exported(other, tmp_path) == rows


def test_what_we_exported_ourselves_adds_no_run_to_the_project(project: Project, tmp_path: Path) -> None:
    bring_in(project, [{name: ROW[name] for name in ("problem", "solution")}])
    run = ScoringRun.objects.create(project=project, number=1, kind="json", model="prm", status="finished")
    StepScore.objects.create(run=run, step=Solution.objects.get().steps.get(position=0), score=0.75)
    rows = exported(project, tmp_path)
    assert rows[0]["scores"] == [{"scorer": "prm", "run": 1, "steps": [{"position": 0, "score": 0.75}]}]
    bring_in(project, rows)
    assert list(ScoringRun.objects.all()) == [run]
    assert StepScore.objects.count() == 1


def test_scores_of_a_run_that_does_not_count_stay_here(project: Project, tmp_path: Path) -> None:
    solution = make_solution(make_problem(project), ["One."])
    run = ScoringRun.objects.create(project=project, number=1, kind="json", model="prm", status="running")
    StepScore.objects.create(run=run, step=solution.steps.get(), score=0.75)
    assert exported(project, tmp_path)[0]["scores"] == []


# --- by a mapping -----------------------------------------------------------------------------------------

MAPPING = {"problem.statement": "problem", "solution.steps": "steps", "step_scores": "scores_of_steps"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ([0.5], "there are 1 scores for 2 steps"),
        ([0.5, 1.5], "expected a score from 0 to 1"),
        ([0.5, True], "expected a score from 0 to 1"),
        ([{"1": 0.5, "0": 0.4, "-1": 0.4}, 1], "that add up to 1"),
        ([{"1": 0.5, "0": -0.1, "-1": 0.6}, 1], "expected a score from 0 to 1"),
        ([{"good": 0.5}, 1], "expected a score from 0 to 1"),
    ],
)
def test_values_that_are_no_scores_are_rejected_with_the_reason(
    values: list[Any], field: str, project: Project
) -> None:
    batch = bring_in(project, [{"problem": "P?", "steps": ["A.", "B."], "scores_of_steps": values}], mapping=MAPPING)
    assert batch.rejected == 1
    assert field in " ".join(finding.reason for finding in batch.findings.all())


def test_a_null_among_the_scores_is_a_step_without_one(project: Project) -> None:
    bring_in(project, [{"problem": "P?", "steps": ["A.", "B."], "scores_of_steps": [None, 0.25]}], mapping=MAPPING)
    assert stored(project) == {("step_scores", None, 1, 0.25)}


def test_prm800ks_scored_samples_have_their_published_score(project: Project, shared_data: Path) -> None:
    lines = (shared_data / "prm800k_scored_samples.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    mapping = {
        "problem.statement": "problem",
        "problem.reference_answer": "ground_truth_answer",
        "solution.steps": "steps",
        "solution.final_answer": "answer",
        "solution.verifier_score": "prm_score",
        "step_scores": "rating_probs",
    }
    batch = bring_in(project, rows, mapping=mapping)
    assert batch.rejected == 0
    solutions = list(Solution.objects.all())
    scores = newest_scores([solution.pk for solution in solutions])
    assert len(solutions) == len({json.dumps([row["problem"], row["steps"]]) for row in rows})
    for solution in solutions:
        by_position = scores[solution.pk].by_position
        steps = [by_position[position] for position in range(solution.step_count)]
        assert reduced(steps, "product") == solution.verifier_score
