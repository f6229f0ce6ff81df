"""Exports of pairs from the database: reproducible, on one side of a split, counted, with the card's advice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.identity import digest
from apps.corpus.models import Solution, Step
from apps.exports.description.card import dataset_card
from apps.exports.files.storage import part_path
from apps.exports.formats.reward_pairs import NO_MARGINS
from apps.exports.labels.steps import is_selected
from apps.exports.load.records import load_records
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_solution
from tests.world import compare


def made(project: Project, format_: str = "reward-pairs", **policy: Any) -> Export:
    export = run_export(export_id=create_export(project=project, format=format_, policy=policy).pk)
    assert export.status == JobStatus.FINISHED, export.error
    return export


def rows_of(export: Export) -> list[list[dict[str, Any]]]:
    parts = [part_path(export, index).read_text().splitlines() for index in range(len(export.parts))]
    return [[json.loads(line) for line in part] for part in parts]


@pytest.fixture
def corpus(project: Project, bob: User) -> Project:
    """Twelve problems with two right and three wrong solutions each, gold on some, and one preference."""
    for number in range(12):
        problem = make_problem(project, f"What is {number} + {number}?")
        for place in range(5):
            is_correct = place < 2
            steps = [f"Way {place}.", f"It is {2 * number if is_correct else place}."]
            solution = make_solution(problem, steps, is_correct=is_correct, source=f"model-{place % 2}")
            if number % 2:
                make_gold(solution, 1, 1 if is_correct else -1)
    compare(project.solutions.filter(is_correct=True).order_by("id")[0], bob)
    return project


ALL = {"pairs": ["preferences", "answers", "labels"], "pairs_per_problem": 4, "margin_rule": "scores"}


def test_pairs_of_all_sources_come_from_one_export(corpus: Project) -> None:
    export = made(corpus, **ALL)
    (rows,) = rows_of(export)
    assert Counter(row["source"] for row in rows).keys() == {"people", "answers"}
    assert max(Counter(row["prompt"] for row in rows).values()) == 4
    assert export.manifest is not None
    counts = export.manifest["counts"]
    assert (counts["rows"], sum(counts["labels"].values()), sum(counts["sources"].values())) == (len(rows),) * 3
    assert counts["labels"]["right over wrong"] == sum(row["source"] == "answers" for row in rows)
    assert counts["left_out"]["pairs: more than pairs_per_problem"] > 0


def test_solutions_are_neither_read_nor_counted_where_only_preferences_make_pairs(corpus: Project) -> None:
    export = made(corpus)
    assert export.manifest is not None
    assert export.manifest["counts"]["solutions"] == 0
    assert export.manifest["counts"]["comparisons"] == 2
    assert export.total == 2


@pytest.mark.parametrize("matching", ["random", "closest_length", "same_source", "hardest"])
def test_the_same_data_and_policy_make_the_same_bytes(corpus: Project, matching: str) -> None:
    policy = {**ALL, "pair_matching": matching, "duplicates": "drop_same_steps"}
    first, second = made(corpus, **policy), made(corpus, **policy)
    assert first.rows
    assert first.sha256 == second.sha256
    assert first.manifest == second.manifest
    assert made(corpus, **policy, split_seed="another").sha256 != first.sha256 or matching == "same_source"


def test_no_problem_is_on_two_sides_of_a_split(corpus: Project) -> None:
    make_solution(make_problem(corpus, "what is  3+3"), ["It is 6."], is_correct=True)
    make_solution(corpus.problems.get(statement="what is  3+3"), ["It is 7."], is_correct=False)
    train, test = rows_of(made(corpus, **ALL, splits={"train": 0.5, "test": 0.5}))
    problems = [{"".join(row["prompt"].lower().replace("?", "").split()) for row in part} for part in (train, test)]
    assert len(problems[0] | problems[1]) == 12
    assert not problems[0] & problems[1]


@pytest.mark.parametrize("format_", ["openrlhf-prm", "rlhflow-prm", "qwen-prm"])
def test_the_counts_of_process_rewards_equal_a_recount(corpus: Project, format_: str) -> None:
    export = made(corpus, format_)
    (rows,) = rows_of(export)
    labels = Counter(
        str(label)
        for row in rows
        for label in row.get("label") or row.get("step_labels") or [turn["content"] for turn in row["messages"][1::2]]
    )
    assert export.manifest is not None
    assert export.manifest["counts"]["labels_as_read"] == dict(labels)
    assert export.manifest["counts"]["labels"] == {"1": 42, "-1": 18}


def test_the_card_names_each_reader_and_says_when_margins_do_nothing(corpus: Project) -> None:
    export = made(corpus, pairs=["answers"])
    assert export.manifest is not None
    assert export.manifest["notices"] == [NO_MARGINS]
    card = dataset_card(export.manifest)
    assert NO_MARGINS in card
    for words in ("--data.prompt_key prompt", '"formatting": "sharegpt"', "--columns", "max_length=None"):
        assert words in card, words
    with_margins = made(corpus, pairs=["labels"], margin_rule="scores")
    assert with_margins.manifest is not None
    assert with_margins.manifest["notices"] == []


def test_a_cap_holds_for_a_problem_with_thousands_of_solutions(project: Project) -> None:
    problem = make_problem(project, "What?")
    solutions = Solution.objects.bulk_create(
        Solution(project=project, problem=problem, digest=digest(str(number)), step_count=1, is_correct=number % 2 == 0)
        for number in range(4100)
    )
    Step.objects.bulk_create(Step(solution=one, position=0, text=f"{number}.") for number, one in enumerate(solutions))
    assert [len(records) for records in load_records(project)] != [4100], "by default it is read in pieces"
    export = made(project, "orm", solutions_per_problem=6, balance="answers")
    (rows,) = rows_of(export)
    assert sorted(row["label"] for row in rows) == [False] * 3 + [True] * 3
    assert made(project, "dpo", pairs=["answers"], pairs_per_problem=7).rows == 7


def test_filters_leave_out_solutions_before_pairs_are_made(corpus: Project) -> None:
    (rows,) = rows_of(made(corpus, pairs=["answers"], generators=["model-0"]))
    assert {text.split(".")[0] for row in rows for text in (row["chosen"], row["rejected"])} == {
        "Way 0",
        "Way 2",
        "Way 4",
    }
    records = [record for chunk in load_records(corpus) for record in chunk]
    assert sum(is_selected(record, LabelPolicy(generators=("model-0",))) for record in records) == 36
