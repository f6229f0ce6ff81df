"""Published files go in, and come out as they went in."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.corpus.models import Solution
from apps.labeling.models import Assignment, StepLabel
from apps.projects.models import Project

pytestmark = pytest.mark.django_db


def command(*words: Any, **options: Any) -> dict[str, Any]:
    """Run a command as a script would, and read its JSON."""
    out = io.StringIO()
    call_command(*words, json=True, stdout=out, **options)
    return json.loads(out.getvalue().splitlines()[-1])


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [json.loads(line) for line in file]


def in_order(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_prm800k_comes_out_as_it_went_in(project: Project, shared_data: Path, tmp_path: Path, ending: str) -> None:
    file, output = shared_data / "prm800k.jsonl", tmp_path / f"out.{ending}"
    brought = command("import_corpus", file, project=project.slug, format="prm800k")
    assert (brought["rows"], brought["solutions"], brought["rejected"]) == (7, 7, 0)
    made = command("export", project=project.slug, format="prm800k", output=output)
    assert made["rows"] == 7
    assert made["bytes"] == output.stat().st_size
    assert in_order(rows(output)) == in_order(rows(file))


def test_prm800k_twice_adds_nothing(project: Project, shared_data: Path) -> None:
    file = shared_data / "prm800k.jsonl"
    first = command("import_corpus", file, project=project.slug, format="prm800k")
    counts = (Solution.objects.count(), Assignment.objects.count(), StepLabel.objects.count())
    again = command("import_corpus", file, project=project.slug, format="prm800k")
    assert first["labels"] == StepLabel.objects.count() > 0
    assert (again["skipped_existing"], again["labels"], again["steps"]) == (7, 0, 0)
    assert (Solution.objects.count(), Assignment.objects.count(), StepLabel.objects.count()) == counts


def test_prm800k_goes_through_our_own_format_and_back(project: Project, shared_data: Path, tmp_path: Path) -> None:
    file, between, output = shared_data / "prm800k.jsonl", tmp_path / "between.jsonl", tmp_path / "out.jsonl"
    command("create_project", "second")
    command("import_corpus", file, project=project.slug, format="prm800k")
    command("export", project=project.slug, format="annotate", output=between)
    command("import_corpus", between, project="second", format="jsonl")
    command("export", project="second", format="prm800k", output=output)
    assert in_order(rows(output)) == in_order(rows(file))


def test_our_own_export_brings_nothing_new_to_the_project_it_came_from(
    project: Project, shared_data: Path, tmp_path: Path
) -> None:
    between = tmp_path / "between.jsonl"
    command("import_corpus", shared_data / "prm800k.jsonl", project=project.slug, format="prm800k")
    command("export", project=project.slug, format="annotate", output=between)
    again = command("import_corpus", between, project=project.slug, format="jsonl")
    assert again["labels"] == 0


def test_every_gsm8k_model_solution_is_graded_and_differences_are_listed(project: Project, shared_data: Path) -> None:
    file = shared_data / "gsm8k_model_solutions.jsonl"
    brought = command("import_corpus", file, project=project.slug, format="gsm8k-solutions")
    assert (brought["rows"], brought["problems"], brought["solutions"]) == (300, 300, 1200)
    # Five of the texts break off before any answer: nothing is read there, and nothing is called wrong.
    unread = Solution.objects.filter(is_correct=None)
    assert set(unread.values_list("grade", "claimed_correct")) == {("unparsed", False)}
    assert unread.count() == 5
    claims = Counter(Solution.objects.values_list("claimed_correct", "is_correct"))
    told = {(row["line"], row["field"]) for row in brought["differing_solutions"]}
    assert claims[True, False] + claims[False, True] + unread.count() == brought["differences"] == len(told)
    # OpenAI's own grading of these rows and ours agree to the last one; see the next test for when they don't.
    assert claims[True, True] > 400
    assert claims[False, False] > 400


def test_a_claim_that_our_verifier_does_not_share_is_listed(
    project: Project, shared_data: Path, tmp_path: Path
) -> None:
    found = rows(shared_data / "gsm8k_model_solutions.jsonl")[:20]
    broken_off = 1  # Of these 80 solutions; listed as well, as unreadable.
    for row in found[:3]:
        row["6b_finetuning"]["is_correct"] = not row["6b_finetuning"]["is_correct"]
    file = tmp_path / "claims.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in found))
    brought = command("import_corpus", file, project=project.slug, format="gsm8k-solutions")
    assert brought["differences"] == 3 + broken_off
    contradicted = [(row["line"], row["field"]) for row in brought["differing_solutions"] if row["line"] <= 3]
    assert contradicted == [(1, "6b_finetuning"), (2, "6b_finetuning"), (3, "6b_finetuning")]
    assert Solution.objects.differing().count() == 3 + broken_off
    assert Solution.objects.filter(grade="unparsed").count() == broken_off


def test_gsm8k_and_its_model_solutions_meet_on_the_question(project: Project, shared_data: Path) -> None:
    command(
        "import_corpus", shared_data / "gsm8k_model_solutions.jsonl", project=project.slug, format="gsm8k-solutions"
    )
    brought = command("import_corpus", shared_data / "gsm8k_test.jsonl", project=project.slug, format="gsm8k")
    assert brought["problems"] == 100
    assert project.problems.count() == 400


@pytest.mark.parametrize(
    ("name", "format_", "counts"),
    [
        ("math500.jsonl", "math", {"problems": 250, "solutions": 0}),
        ("math_shepherd.jsonl", "math-shepherd", {"solutions": 4, "labels": 15}),
        ("processbench.jsonl", "processbench", {"solutions": 2, "labels": 5}),
    ],
)
def test_other_published_files_land_whole(
    project: Project, shared_data: Path, name: str, format_: str, counts: dict[str, int]
) -> None:
    brought = command("import_corpus", shared_data / name, project=project.slug, format=format_)
    assert brought["rejected"] == 0
    assert brought | counts == brought


def test_math_shepherd_comes_out_as_it_went_in(project: Project, shared_data: Path, tmp_path: Path) -> None:
    file, output, policy = shared_data / "math_shepherd.jsonl", tmp_path / "out.jsonl", tmp_path / "policy.json"
    policy.write_text('{"sources": ["monte_carlo_hard"], "after_first_error": "as_rated"}')
    command("import_corpus", file, project=project.slug, format="math-shepherd")
    command("export", project=project.slug, format="math-shepherd", policy=policy, output=output)
    assert in_order(rows(output)) == in_order(rows(file))
