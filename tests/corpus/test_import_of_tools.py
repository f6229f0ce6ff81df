"""Exports of labeling tools and tables in the database, by command and by API."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from apps.accounts.models import User
from apps.corpus.imports.run import run_import
from apps.corpus.models import Comparison, ImportBatch, Solution
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.projects.models import Membership, Project
from tests.cast import signed_in
from tests.corpus.rows import VALID
from tests.corpus.test_labeling_tools import choice, result, task

pytestmark = pytest.mark.django_db


def imported(project: Project, path: Path, format_: str, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    words = ["--project", project.slug, "--format", format_, "--options", json.dumps(options), "--json"]
    call_command("import_corpus", str(path), *words, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_label_studio_twice_adds_nothing(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    truth = task(choice("rate_0", "good"), choice("rate_1", "bad"), text="Another.\nOne.", ground_truth=True)
    path.write_text(json.dumps([VALID["label-studio"], truth]))
    mapping = {"problem.statement": "data.problem", "solution.text": "data.solution", "ratings": "rate_{{idx}}"}
    first = imported(project, path, "label-studio", mapping=mapping)
    assert (first["solutions"], first["rejected"]) == (2, 0)
    assert first["ignored"] == {"id": 2}
    member = Membership.objects.get(project=project, pseudonym="label-studio-7")
    assert member.status == Membership.Status.IMPORTED
    assert sorted(StepLabel.objects.values_list("step__position", "rating")) == [(0, 1), (1, -1)]
    assert StepVerdict.objects.count() == 1
    assert GoldLabel.objects.exists()
    counts = [model.objects.count() for model in (Solution, Assignment, StepLabel, StepVerdict, GoldLabel)]
    again = imported(project, path, "label-studio", mapping=mapping)
    assert (again["labels"], again["skipped_existing"]) == (0, 2)
    assert counts == [model.objects.count() for model in (Solution, Assignment, StepLabel, StepVerdict, GoldLabel)]


def test_pairs_of_label_studio_become_comparisons(project: Project, tmp_path: Path) -> None:
    row = task(result("better", "pairwise", {"selected": "right"}))
    row["data"] = {"prompt": "1 + 1?", "answer_a": "3", "answer_b": "2"}
    path = tmp_path / "export.json"
    path.write_text(json.dumps([row]))
    mapping = {
        "problem.statement": "data.prompt",
        "comparison.left.text": "data.answer_a",
        "comparison.right.text": "data.answer_b",
        "preference": "better",
    }
    done = imported(project, path, "label-studio", mapping=mapping)
    assert (done["solutions"], done["labels"], done["rejected"]) == (2, 1, 0)
    assert Comparison.objects.filter(problem__project=project).count() == 1


def test_argilla_lands_with_the_ids_of_its_users(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps([VALID["argilla"]]))
    mapping = {"problem.statement": "fields.problem", "solution.text": "fields.solution", "ratings": "step_{{idx+1}}"}
    done = imported(project, path, "argilla", mapping=mapping)
    assert (done["solutions"], done["rejected"]) == (1, 0)
    assert Membership.objects.filter(project=project, pseudonym="00000000-0000-0000-0000-000000000001").exists()
    assert sorted(StepLabel.objects.values_list("step__position", "rating")) == [(0, 1), (1, -1)]
    assert list(StepVerdict.objects.values_list("step__position", "rating")) == [(1, -1)]


def test_a_table_of_several_solutions_lands_by_the_api(project: Project, alice: User) -> None:
    client = signed_in(alice)
    content = 'ask,tries,right\n1 + 1?,"[""We add.\\n2"", ""3""]","[true, false]"\nragged\n'
    answer = client.post(
        f"/api/v1/projects/{project.slug}/imports",
        {
            "file": SimpleUploadedFile("rows.csv", content.encode()),
            "format": "jsonl",
            "options": json.dumps({"mapping": {"problem.statement": "ask", "solution.steps": "tries"}}),
        },
    )
    assert answer.status_code == 202, answer.content
    run_import(batch_id=answer.json()["id"])
    done = client.get(f"/api/v1/imports/{answer.json()['id']}").json()
    assert (done["rows"], done["solutions"], done["ignored"]) == (2, 1, {"right": 1})
    reason = "is missing: the row has 1 cell, and the header names 3 columns"
    assert done["rejected_rows"] == [{"line": 3, "field": "tries", "reason": reason}]


def test_a_path_that_is_none_is_an_error_of_the_request(project: Project, alice: User) -> None:
    answer = signed_in(alice).post(
        f"/api/v1/projects/{project.slug}/imports",
        {
            "file": SimpleUploadedFile("rows.jsonl", b"{}"),
            "format": "jsonl",
            "options": '{"mapping": {"problem.statement": "messages[last]"}}',
        },
    )
    assert answer.status_code == 400
    assert "cannot be read from '[last]' on" in answer.content.decode()
    assert not ImportBatch.objects.exists()


def test_each_solution_of_a_row_is_graded_by_itself(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"messages": [{"content": "1 + 1?"}], "tries": ["#### 2", "#### 3"], "gold": "2"}))
    mapping = {
        "problem.statement": "messages[0].content",
        "solution.text": "tries[each]",
        "problem.reference_answer": "gold",
    }
    assert imported(project, path, "jsonl", mapping=mapping)["solutions"] == 2
    assert sorted(Solution.objects.values_list("final_answer", "is_correct")) == [("2", True), ("3", False)]
