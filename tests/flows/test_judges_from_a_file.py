"""A file with people, Monte Carlo and two judges: what is disputed, how right the judges are, and what goes out.

All of it is counted here once more, from the rows alone.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from apps.corpus.labels import UNKNOWN
from apps.corpus.models import ImportBatch
from apps.judging.models import JudgeRun, StepVerdict
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.disputes.other_sources import other_sources
from apps.quality.metrics.refresh import refresh_figures
from apps.quality.models import Consensus, Figure
from apps.quality.review.evidence import evidence_of
from apps.quality.review.queues import counts_of, queue_of
from tests.flows.test_real_files import command, rows

SOLUTIONS = 200
NO_ERROR = -1
JUDGES = {"strict": 3, "mild": 1}


def said(dice: random.Random, truth: list[int], *, wrong: float, silent: float) -> list[dict[str, Any]]:
    """A judge's verdicts: now and then another rating than the truth, now and then none."""
    verdicts = []
    for position, rating in enumerate(truth):
        if dice.random() < silent:
            continue
        own = dice.choice([-1, 0, 1]) if dice.random() < wrong else rating
        verdict: dict[str, Any] = {"position": position, "rating": own}
        if dice.random() < 0.7:
            verdict |= {"confidence": round(dice.random(), 3), "reason": f"Because of {position}."}
        verdicts.append(verdict)
    return verdicts


def case(number: int, dice: random.Random) -> dict[str, Any]:
    truth = [dice.choice([-1, 0, 1, 1, 1]) for _ in range(dice.randint(2, 6))]
    counts = [
        {"position": position, "rollouts": 8, "successes": dice.randint(1, 8) if rating >= 0 else 0}
        for position, rating in enumerate(truth)
        if dice.random() > 0.03
    ]
    people = [{"position": position, "rating": rating} for position, rating in enumerate(truth) if dice.random() > 0.1]
    row: dict[str, Any] = {
        "problem": {"external_id": f"p{number}", "statement": f"Problem {number}: what is it?"},
        "solution": {
            "external_id": f"s{number}",
            "source": "model",
            "steps": [{"text": f"Step {place} of {number}."} for place in range(len(truth))],
        },
        "people": [{"labeler": "ada", "protocol": "every_step", "finish_reason": "solution", "steps": people}],
        "judges": [
            {"judge": name, "version": version, "steps": said(dice, truth, wrong=0.15, silent=0.04)}
            for name, version in JUDGES.items()
            if dice.random() > 0.1
        ],
    }
    if dice.random() > 0.2:
        row["monte_carlo"] = [{"run": 1, "completer": "c", "strategy": "math-shepherd", "steps": counts}]
    return row


@pytest.fixture
def cases() -> list[dict[str, Any]]:
    dice = random.Random(11)
    return [case(number, dice) for number in range(SOLUTIONS)]


@pytest.fixture
def landed(project: Project, cases: list[dict[str, Any]], tmp_path: Path) -> Project:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in cases))
    brought = command("import_corpus", file, project=project.slug, format="jsonl")
    assert (brought["solutions"], brought["rejected"]) == (SOLUTIONS, 0)
    assert ImportBatch.objects.get(project=project).ignored == {}
    recompute_project(project)
    refresh_figures()
    return project


def first_error(bad: dict[int, bool], length: int) -> int | None:
    """By position, whether the step is bad; None where a step before the first bad one is missing."""
    for position in range(length):
        if position not in bad:
            return None
        if bad[position]:
            return position
    return NO_ERROR


def judged(one: dict[str, Any], name: str) -> dict[int, int]:
    return {
        step["position"]: step["rating"] for judge in one["judges"] if judge["judge"] == name for step in judge["steps"]
    }


def test_the_queue_holds_exactly_those_where_a_judge_differs_from_rollouts(
    landed: Project, cases: list[dict[str, Any]]
) -> None:
    expected = set()
    for one in cases:
        length = len(one["solution"]["steps"])
        counts = one["monte_carlo"][0]["steps"] if "monte_carlo" in one else []
        rollouts = first_error({step["position"]: step["successes"] == 0 for step in counts}, length)
        words = {
            first_error({place: rating == -1 for place, rating in judged(one, name).items()}, length) for name in JUDGES
        }
        if rollouts is not None and words - {None, rollouts}:
            expected.add(one["solution"]["external_id"])
    queue = queue_of(landed, "monte_carlo_judge")
    assert set(queue.values_list("solution__external_id", flat=True)) == expected
    assert counts_of(landed)["monte_carlo_judge"] == len(expected)
    assert 20 < len(expected) < SOLUTIONS - 20


def test_judges_against_people_is_what_counting_the_rows_gives(landed: Project, cases: list[dict[str, Any]]) -> None:
    told = {one.data["judge"]: one.data for one in Figure.objects.filter(project=landed, name="judges")}
    assert set(told) == set(JUDGES)
    for name, version in JUDGES.items():
        pairs, exact = [], []
        for one in cases:
            people = {step["position"]: step["rating"] for step in one["people"][0]["steps"]}
            machine = judged(one, name)
            pairs += [(machine[place], people[place]) for place in machine.keys() & people.keys()]
            errors = [
                first_error({place: rating == -1 for place, rating in source.items()}, len(one["solution"]["steps"]))
                for source in (machine, people)
            ]
            if None not in errors:
                exact.append(errors[0] == errors[1])
        n = len(pairs)
        mine, theirs = sum(a == -1 for a, _ in pairs), sum(b == -1 for _, b in pairs)
        both, same = sum(a == b == -1 for a, b in pairs), sum((a == -1) == (b == -1) for a, b in pairs)
        chance = (mine * theirs + (n - mine) * (n - theirs)) / n**2
        found = told[name]
        assert found["version"] == version
        assert found["accuracy"]["value"] == pytest.approx(same / n)
        assert found["accuracy"]["low"] < same / n < found["accuracy"]["high"]
        assert found["kappa"]["value"] == pytest.approx((same / n - chance) / (1 - chance))
        assert found["precision"]["value"] == pytest.approx(both / mine)
        assert found["recall"]["value"] == pytest.approx(both / theirs)
        assert found["first_error_exact"]["value"] == pytest.approx(sum(exact) / len(exact))


def test_the_evidence_of_a_solution_says_what_its_queues_go_by(landed: Project) -> None:
    solutions = list(landed.solutions.select_related("problem", "project"))
    known = other_sources([one.pk for one in solutions])
    for one in solutions:
        told = evidence_of(one, lambda ids: dict.fromkeys(ids, "ada")).first_errors
        words = {word.name: word.first_error for word in told if word.source == "judge"}
        assert words == known.judges.get(one.pk, {})
        (rollouts,) = [word.first_error for word in told if word.source == "monte_carlo"] or [UNKNOWN]
        assert rollouts == known.monte_carlo.get(one.pk, UNKNOWN)


def test_nothing_stands_by_a_judge(landed: Project) -> None:
    assert set(Consensus.objects.filter(project=landed).values_list("how", flat=True)) == {"majority"}


def test_an_export_with_the_source_judge_holds_exactly_the_verdicts(
    landed: Project, cases: list[dict[str, Any]], tmp_path: Path
) -> None:
    output, policy = tmp_path / "out.jsonl", tmp_path / "policy.json"
    policy.write_text(json.dumps({"sources": ["judge"], "judges": ["strict v3"], "after_first_error": "as_rated"}))
    command("export", project=landed.slug, format="trl-prm", output=output, policy=policy)
    expected = {}
    for one in cases:
        verdicts, length = judged(one, "strict"), len(one["solution"]["steps"])
        # The format ends a row before the first step without a label.
        told = next((place for place in range(length) if place not in verdicts), length)
        if told:
            expected[one["problem"]["statement"]] = [verdicts[place] != -1 for place in range(told)]
    assert {row["prompt"].strip(): row["labels"] for row in rows(output)} == expected
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["counts"]["sources"] == {"judge": len(expected)}
    labels = [label for row in expected.values() for label in row]
    assert sum(manifest["counts"]["labels"].values()) == len(labels)


def test_an_export_where_rollouts_and_a_judge_agree_holds_no_other_step(
    landed: Project, cases: list[dict[str, Any]], tmp_path: Path
) -> None:
    output, policy = tmp_path / "out.jsonl", tmp_path / "policy.json"
    asked = {"sources": ["monte_carlo_and_judge"], "judges": ["mild"], "after_first_error": "as_rated"}
    policy.write_text(json.dumps(asked))
    command("export", project=landed.slug, format="trl-prm", output=output, policy=policy)
    expected = {}
    for one in cases:
        verdicts, labels = judged(one, "mild"), []
        hard = {step["position"]: step["successes"] > 0 for step in one.get("monte_carlo", [{"steps": []}])[0]["steps"]}
        for place in range(len(one["solution"]["steps"])):
            if place not in verdicts or place not in hard or hard[place] == (verdicts[place] == -1):
                break
            labels.append(hard[place])
        if labels:
            expected[one["problem"]["statement"]] = labels
    assert {row["prompt"].strip(): row["labels"] for row in rows(output)} == expected


def test_our_own_row_brings_the_same_to_another_project_and_nothing_to_this(
    landed: Project, cases: list[dict[str, Any]], tmp_path: Path
) -> None:
    between, output = tmp_path / "between.jsonl.gz", tmp_path / "out.jsonl"
    command("export", project=landed.slug, format="annotate", output=between)
    verdicts = sum(len(judge["steps"]) for one in cases for judge in one["judges"])
    assert StepVerdict.objects.count() == verdicts
    again = command("import_corpus", tmp_path / "cases.jsonl", project=landed.slug, format="jsonl")
    assert (again["labels"], again["skipped_existing"]) == (0, SOLUTIONS)
    command("import_corpus", between, project=landed.slug, format="jsonl")
    assert (StepVerdict.objects.count(), JudgeRun.objects.count()) == (verdicts, 2)
    command("create_project", "second")
    command("import_corpus", between, project="second", format="jsonl")
    command("export", project="second", format="annotate", output=output)
    assert [row["judges"] for row in rows(output)] == [row["judges"] for row in rows(between)]
    sent = {one["solution"]["external_id"]: one["judges"] for one in cases}
    for row in rows(output):
        told = {judge["judge"]: judge for judge in row["judges"]}
        for judge in (one for one in sent[row["solution"]["external_id"]] if one["steps"]):
            assert told[judge["judge"]]["version"] == judge["version"]
            plain = [{"confidence": None, "reason": "", **step, "candidate": 0} for step in judge["steps"]]
            assert told[judge["judge"]]["steps"] == plain
