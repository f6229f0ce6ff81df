"""The rules of each protocol exist twice, for the server and for the labeling page: both decide the same cases alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import Unprocessable
from apps.labeling.protocols import PROTOCOLS, TaskContext, options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, KnownStep, is_final, prefix_digest
from apps.labeling.protocols.submission import Submission, SubmittedStep
from tests import node

HERE = Path(__file__).parent
TABLE = json.loads((HERE / "protocol_cases.json").read_text())
CASES = [pytest.param(case, id=f"{case['protocol']}: {case['name']}") for case in TABLE["cases"]]
MARGINS = {"left": "clearly", "right": "slightly", "tie": ""}


@pytest.fixture(scope="module")
def by_page() -> dict[tuple[str, str], dict[str, Any]]:
    """What the labeling page makes of each case, by protocol and name."""
    results = json.loads(node.run(HERE / "run_protocol_cases.mjs"))
    return {(case["protocol"], case["name"]): result for case, result in zip(TABLE["cases"], results, strict=True)}


def context_of(case: dict[str, Any]) -> TaskContext:
    """The case's task, as the server knows it."""
    task = TABLE["tasks"][case["task"]]
    path = task.get("path", [])
    steps = [KnownStep(position, 0, text, "model", chosen=True) for position, text in enumerate(path)]
    for position, texts in task.get("alternatives", {}).items():
        steps += [KnownStep(int(position), 1 + index, text, "model", chosen=False) for index, text in enumerate(texts)]
    sampled = {prefix_digest(branch["after"]): branch["texts"] for branch in task.get("candidates", [])}
    return TaskContext(
        path=dict.fromkeys(range(len(path)), 0),
        options=options_of(case["protocol"], case.get("options", {})),
        is_pair=case["protocol"] == "comparison",
        tree=CandidateTree(steps, sampled),
        critiques={int(position): frozenset(ids) for position, ids in task.get("critiques", {}).items()},
    )


def refusal_of(case: dict[str, Any], submission: Submission) -> Unprocessable | None:
    try:
        PROTOCOLS[case["protocol"]].check(submission, context_of(case))
    except Unprocessable as refusal:
        return refusal
    return None


def open_position(case: dict[str, Any], submission: Submission) -> tuple[int, int]:
    """The position at which nothing is chosen yet, and how many candidates there are."""
    prefix: list[str] = []
    while True:
        candidates, _ = context_of(case).tree.after(prefix) or ([], "")
        chosen = next((step for step in submission.steps if step.position == len(prefix) and step.chosen), None)
        if chosen is None:
            return len(prefix), len(candidates)
        prefix.append(chosen.text or candidates[chosen.candidate].text)


def allowed_by_server(case: dict[str, Any]) -> list[Any]:
    """What may be answered next: the server accepts it from a labeler who then gives up."""
    left = Submission.from_dict({"steps": case["answers"]["steps"], "finish_reason": "give_up", "reason": "Too hard."})
    answers: dict[Any, Submission] = {}
    if case["protocol"] == "comparison":
        for choice, margin in MARGINS.items():
            preference = {"choice": choice, "margin": margin}
            answers[choice] = replace(
                left, preference=Submission.from_dict({"finish_reason": "", "preference": preference}).preference
            )
    elif case["protocol"] == "branching":
        position, offered = open_position(case, left)
        rows = {(step.position, step.candidate): step for step in left.steps}
        for candidate in range(offered):
            key = (position, candidate)
            chosen = replace(rows.get(key, SubmittedStep(position=position, candidate=candidate)), chosen=True)
            answers[candidate] = replace(left, steps=list((rows | {key: chosen}).values()))
        own = SubmittedStep(position=position, candidate=offered, text="So it is.", chosen=True)
        answers["own"] = replace(left, steps=[*left.steps, own])
    else:
        on_path = {step.position: step for step in left.steps if step.candidate == 0}
        for position in context_of(case).path:
            rated = on_path | {position: SubmittedStep(position=position, rating=1)}
            answers[position] = replace(left, steps=list(rated.values()))
    return [answer for answer, submission in answers.items() if refusal_of(case, submission) is None]


@pytest.mark.parametrize("case", CASES)
def test_the_server_decides_the_case(case: dict[str, Any]) -> None:
    submission = Submission.from_dict({**case["answers"], "finish_reason": case["finish_reason"]})
    refusal = refusal_of(case, submission)
    assert (refusal is None) == case["can_submit"]
    assert set(refusal.fields if refusal else ()) == set(case.get("missing", ()))
    if "allowed" in case:
        assert allowed_by_server(case) == case["allowed"]


@pytest.mark.parametrize("case", CASES)
def test_the_labeling_page_decides_the_case(
    case: dict[str, Any], by_page: dict[tuple[str, str], dict[str, Any]]
) -> None:
    result = by_page[case["protocol"], case["name"]]
    assert result["can_submit"] == case["can_submit"]
    assert result["message"] == case["message"]
    assert result["finish_reason"] == (case["finish_reason"] if case["can_submit"] else None)
    if "allowed" in case:
        assert result["allowed"] == case["allowed"]


@pytest.mark.parametrize("case", CASES)
def test_the_server_accepts_what_the_page_sends(
    case: dict[str, Any], by_page: dict[tuple[str, str], dict[str, Any]]
) -> None:
    result = by_page[case["protocol"], case["name"]]
    early = Submission.from_dict({**result["submission"], "finish_reason": "give_up", "reason": "Too hard."})
    assert refusal_of(case, early) is None
    if case["can_submit"]:
        finished = Submission.from_dict({**result["submission"], "finish_reason": result["finish_reason"]})
        assert refusal_of(case, finished) is None


def test_both_see_the_same_final_answers() -> None:
    task = TABLE["tasks"]["tree"]
    texts = {text for branch in task["candidates"] for text in (*branch["after"], *branch["texts"])} | set(
        task["final"]
    )
    assert {text for text in texts if is_final(text)} == set(task["final"])
