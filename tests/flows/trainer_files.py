"""Files of labels as somebody reads them who has nothing but their published descriptions: no product code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def manifest(output: Path) -> Row:
    """What is written beside an export."""
    beside = [output.with_name("manifest.json"), *output.parent.glob("export-*.manifest")]
    there = sorted((path for path in beside if path.exists()), key=lambda path: path.stat().st_mtime_ns)
    manifests = [json.loads(path.read_text()) for path in there]
    # A file that is written again has a newer manifest.
    *_, counts = [one["counts"] for one in manifests if one["parts"][0]["name"] == output.name]
    return dict(counts)


def trl_prm(row: Row) -> tuple[str, list[bool]]:
    """TRL's stepwise supervision: the problem, and whether each completion is good."""
    assert len(row["completions"]) == len(row["labels"])
    assert all(type(label) is bool for label in row["labels"])
    return row["prompt"].strip(), row["labels"]


def math_shepherd(row: Row) -> tuple[str, list[bool]]:
    """Math-Shepherd's text: a tag ends each line of `input`, a sign stands in its place in `label`."""
    asked, told = row["input"].split("\n"), row["label"].split("\n")
    assert [line.removesuffix("ки") for line in asked] == [line[:-1] for line in told]
    assert {line[-1] for line in told} <= {"+", "-"}
    return asked[0].partition(" Step 1:")[0], [line[-1] == "+" for line in told]


def prm800k(row: Row) -> tuple[str, str, int | None]:
    """PRM800K: the problem, who labeled, and the first of the pre-generated steps that is called bad; -1: none."""
    steps = row["question"]["pre_generated_steps"]
    for place, said in enumerate(row["label"]["steps"]):
        ratings = {one["text"]: one["rating"] for one in said["completions"]}
        if ratings[steps[place]] == -1:
            assert said["chosen_completion"] is None, "nobody goes on from a bad step"
            assert row["label"]["finish_reason"] == "found_error"
            return row["question"]["problem"], row["labeler"], place
    assert row["label"]["finish_reason"] == "solution"
    return row["question"]["problem"], row["labeler"], -1 if len(row["label"]["steps"]) == len(steps) else None


def beside_the_path(row: Row) -> dict[str, int]:
    """PRM800K: the ratings of candidates that are not the pre-generated step."""
    steps = row["question"]["pre_generated_steps"]
    return {
        one["text"]: one["rating"]
        for place, said in enumerate(row["label"]["steps"])
        for one in said["completions"]
        if one["text"] != steps[place]
    }


def orm(row: Row) -> tuple[str, bool]:
    """A prompt, a whole answer, and whether it is right."""
    assert type(row["label"]) is bool
    return row["prompt"].strip(), row["label"]


def pair(row: Row) -> tuple[str, str, str]:
    """A prompt with what has been said so far, a better and a worse way to go on."""
    return row["prompt"], row["chosen"], row["rejected"]


def processbench(row: Row) -> tuple[str, int]:
    """ProcessBench: the problem, and the first wrong step of its solution."""
    assert -1 <= row["label"] < len(row["steps"])
    return row["problem"], row["label"]


def verifier_rl(row: Row) -> tuple[str, int]:
    """What a verifier is asked, and the number that is rewarded."""
    (message,) = row["prompt"]
    assert message["role"] == "user"
    assert row["answer"] == row["reward_model"]["ground_truth"]
    heading, statement, *_ = message["content"].split("\n")
    assert heading == "Problem:"
    return statement, int(row["answer"])
