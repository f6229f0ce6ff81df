"""Every part of a file is stored or noted as ignored: real cases and similar ones, through the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.corpus.models import Comparison, ImportBatch, Problem, Solution
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from tests.flows.test_real_files import command

pytestmark = pytest.mark.django_db


def bring_in(project: Project, tmp_path: Path, rows: list[Any], format_: str, **options: Any) -> dict[str, Any]:
    path = tmp_path / f"rows-{ImportBatch.objects.count()}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dict(command("import_corpus", path, project=project.slug, format=format_, options=json.dumps(options)))


BENCH = [
    {
        "id": "own-0",
        "problem": "8 pens in 3 boxes?",
        "steps": ["8 + 3 = 11.", "The answer is \\boxed{11}."],
        "label": 0,
    },
    {
        "id": "own-1",
        "problem": "8 pens in 2 boxes?",
        "steps": ["8 * 2 = 16.", "The answer is \\boxed{16}."],
        "label": -1,
    },
    {"id": "own-2", "problem": "8 pens in 1 box?", "steps": ["8.", "The answer is \\boxed{8}."], "label": -1},
]


def test_without_a_reference_answer_the_claim_of_the_file_counts(project: Project, tmp_path: Path) -> None:
    rows = [BENCH[0] | {"final_answer_correct": False}, BENCH[1] | {"final_answer_correct": True}, BENCH[2]]
    bring_in(project, tmp_path, rows, "processbench")
    found = Solution.objects.order_by("external_id").values_list("is_correct", "claimed_correct", "grade")
    assert list(found) == [(False, False, "ungraded"), (True, True, "ungraded"), (None, None, "ungraded")]
    exported = command(
        "export",
        project=project.slug,
        format="annotate",
        output=tmp_path / "out.jsonl",
        policy=write(tmp_path, {"answers": "wrong"}),
    )
    assert exported["rows"] == 1


def write(tmp_path: Path, policy: dict[str, Any]) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    return path


def test_a_reference_answer_that_comes_later_decides(project: Project, tmp_path: Path) -> None:
    bring_in(project, tmp_path, [BENCH[0] | {"final_answer_correct": True}], "processbench")
    row = {"problem": {"statement": BENCH[0]["problem"], "reference_answer": "24"}}
    bring_in(project, tmp_path, [row], "jsonl")
    assert Solution.objects.get().grade == "no_match"
    assert (Solution.objects.get().is_correct, Solution.objects.get().claimed_correct) == (False, True)


def test_the_marks_of_a_benchmark_become_gold_under_a_mapping(project: Project, tmp_path: Path) -> None:
    mapping = {
        "problem.statement": "input",
        "problem.reference_answer": "target",
        "solution.steps": "steps",
        "solution.final_answer": "answer",
        "first_error": "mistake_index",
    }
    row = {
        "input": "(3 + 4) * 2?",
        "steps": ["3 + 4 = 8.", "So 16"],
        "target": "14",
        "answer": "16",
        "mistake_index": 0,
    }
    told = bring_in(project, tmp_path, [row | {"task": "math"}], "jsonl", mapping=mapping)
    assert (told["labels"], told["ignored"]) == (1, {"task": 1})
    assert list(GoldLabel.objects.values_list("step__position", "rating")) == [(0, -1)]


def test_prmbench_rows_become_gold_and_the_rest_is_noted(project: Project, shared_data: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "prmbench_deception.jsonl").read_text().splitlines()]
    mapping = {
        "problem.statement": "modified_question",
        "solution.steps": "modified_process",
        "error_steps": "error_steps",
    }
    told = bring_in(project, tmp_path, rows, "jsonl", mapping=mapping)
    # A published row numbers a step that it does not have: it is rejected, not cut.
    fitting = [row for row in rows if max(row["error_steps"]) <= len(row["modified_process"])]
    assert (told["solutions"], told["rejected"]) == (len(fitting), len(rows) - len(fitting))
    assert told["ignored"]["original_process"] == len(fitting)
    assert GoldLabel.objects.count() == sum(min(row["error_steps"]) for row in fitting)
    assert GoldLabel.objects.filter(rating=-1).count() == len(fitting)


def test_an_unknown_target_is_an_error_of_the_option_by_command_and_api(
    project: Project, tmp_path: Path, alice: Any
) -> None:
    with pytest.raises(CommandError, match=r"problem\.subjct"):
        bring_in(project, tmp_path, [{"q": "What?"}], "jsonl", mapping={"problem.subjct": "q"})
    assert not ImportBatch.objects.exists()


def test_counts_of_what_is_ignored_are_counts_of_rows(project: Project, tmp_path: Path) -> None:
    models = {
        name: {"solution": f"{name}\n#### 3", "is_correct": False} for name in ("6b_finetuning", "175b_finetuning")
    }
    row = {"question": "1 + 1?", "ground_truth": "2\n#### 2", "note": "x", **models}
    told = bring_in(project, tmp_path, [row], "gsm8k-solutions")
    assert (told["solutions"], told["ignored"]) == (2, {"note": 1})


def test_ignored_names_are_bounded(project: Project, tmp_path: Path) -> None:
    rows = [
        {"problem": {"statement": f"What is {number}?"}, **{f"k{number}-{key}": 1 for key in range(150)}}
        for number in range(3)
    ]
    told = bring_in(project, tmp_path, rows, "jsonl")
    assert len(told["ignored"]) == 201
    assert told["ignored"]["(other names)"] == 250
    assert told["problems"] == 3


def test_step_dpo_becomes_a_comparison_of_steps_and_is_exported_with_the_shared_prefix(
    project: Project, tmp_path: Path
) -> None:
    row = {
        "prompt": "What is 7*6+5?",
        "initial_reason_steps": "Step 1: 7*6 = 42.\nStep 2:",
        "chosen": " 42+5 = 47.",
        "rejected": " 42+5 = 46.",
        "full_chosen": " 42+5 = 47. The answer is 47.",
        "full_rejected": " 42+5 = 46. The answer is 46.",
        "answer": "47",
    }
    told = bring_in(project, tmp_path, [row], "preference")
    assert (told["rejected"], told["ignored"]) == (0, {})
    assert Problem.objects.get().reference_answer == "47"
    assert Comparison.objects.get().shared_steps == 1
    assert sorted(Solution.objects.values_list("is_correct", flat=True)) == [False, True]
    output = tmp_path / "dpo.jsonl"
    command("export", project=project.slug, format="dpo", output=output)
    (pair,) = [json.loads(line) for line in output.read_text().splitlines()]
    assert pair == {
        "prompt": "What is 7*6+5?\nStep 1: 7*6 = 42.\n",
        "chosen": "Step 2: 42+5 = 47.",
        "rejected": "Step 2: 42+5 = 46.",
    }


def test_roles_of_other_tools_are_exported_as_those_of_chat_templates(project: Project, tmp_path: Path) -> None:
    def dialogue(answer: str) -> list[dict[str, str]]:
        assignments = (("Human", "Hi"), ("bot", "Yes?"), ("human", "How many days has a week?"), ("gpt", answer))
        return [{"role": role, "content": content} for role, content in assignments]

    bring_in(project, tmp_path, [{"chosen": dialogue("Seven."), "rejected": dialogue("Eight.")}], "preference")
    output = tmp_path / "dpo.jsonl"
    command(
        "export",
        project=project.slug,
        format="dpo",
        output=output,
        policy=write(tmp_path, {"prompts": "conversational"}),
    )
    (pair,) = [json.loads(line) for line in output.read_text().splitlines()]
    assert [one["role"] for one in [*pair["prompt"], *pair["chosen"]]] == ["user", "assistant", "user", "assistant"]
