"""The demo's own problems: what they claim of themselves holds."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pytest

from apps.demo.seeding import CONTENT
from apps.verifiers.pool.pool import GradingPool

ROWS: list[dict[str, Any]] = [json.loads(line) for line in (CONTENT / "problems.jsonl").read_text().splitlines()]
IDS = [row["solution"]["external_id"] for row in ROWS]

# They reach the right answer by a bad step: the reason why steps are rated and not answers.
RIGHT_BY_A_BAD_STEP = {"demo-011/2", "demo-045/2"}


def test_there_is_enough_to_try_things_out() -> None:
    problems = {row["problem"]["external_id"] for row in ROWS}
    wrong = [row for row in ROWS if row["first_error"] >= 0]
    assert len(problems) >= 40
    assert len(ROWS) >= 80
    assert 0.4 < len(wrong) / len(ROWS) < 0.6
    assert max(len(row["solution"]["steps"]) for row in ROWS) >= 14


def test_a_problem_has_the_same_text_each_time() -> None:
    told = defaultdict(set)
    for row in ROWS:
        told[row["problem"]["external_id"]].add(json.dumps(row["problem"], sort_keys=True))
    assert all(len(versions) == 1 for versions in told.values())
    assert len({row["problem"]["statement"] for row in ROWS}) == len(told)
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_gold_ends_at_the_first_error_or_at_the_end(row: dict[str, Any]) -> None:
    gold, length = row["gold"]["steps"], len(row["solution"]["steps"])
    assert [step["position"] for step in gold] == list(range(len(gold)))
    bad = [step["position"] for step in gold if step["rating"] == -1]
    if row["first_error"] == -1:
        assert not bad
        assert len(gold) == length
    else:
        assert bad == [row["first_error"]] == [len(gold) - 1]


def test_solutions_are_right_where_the_file_claims_it() -> None:
    pairs = [
        (row["problem"]["verifier"], row["problem"]["reference_answer"], row["solution"]["final_answer"])
        for row in ROWS
    ]
    with GradingPool() as pool:
        right = {name for name, grade in zip(IDS, pool.grade_many(pairs), strict=True) if grade.is_correct}
    faultless = {name for name, row in zip(IDS, ROWS, strict=True) if row["first_error"] == -1}
    assert right - faultless == RIGHT_BY_A_BAD_STEP
    assert faultless <= right
    assert right == {name for name, row in zip(IDS, ROWS, strict=True) if row["solution"]["is_correct"]}


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_dollar_signs_come_in_pairs(row: dict[str, Any]) -> None:
    texts = [row["problem"]["statement"], row["problem"]["reference_solution"]]
    for text in [*texts, *(step["text"] for step in row["solution"]["steps"])]:
        assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0, text
