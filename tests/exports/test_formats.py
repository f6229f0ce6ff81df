"""What each trainer's row looks like, down to the characters."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apps.core.zstd import ZstdFile
from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import Record
from apps.exports.files.writers import CONTAINERS, PartWriter
from apps.exports.formats import FORMATS
from apps.exports.formats.base import GROUPS
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from tests.corpus.rows import VALID
from tests.exports.test_labels import person, record


def rows(format_: str, one: Record, **policy: Any) -> list[dict[str, Any]]:
    chosen = LabelPolicy.from_dict(policy)
    FORMATS[format_].check(chosen)
    return [json.loads(json.dumps(row, default=str)) for row in FORMATS[format_].rows(one, chosen, Tally())]


RATED = record(people=[person("a", 1, 0, -1)])


def test_trl_prm() -> None:
    assert rows("trl-prm", RATED) == [
        {"prompt": "What?\n", "completions": ["Step 0.", "Step 1.", "Step 2."], "labels": [True, True, False]}
    ]


def test_trl_prm_ends_before_the_first_step_without_a_label() -> None:
    (row,) = rows("trl-prm", record(people=[person("a", 1, None, 1, 1)]))
    assert row["labels"] == [True]
    assert rows("trl-prm", record(people=[person("a", None, 1)])) == []


def test_math_shepherd() -> None:
    (row,) = rows("math-shepherd", RATED)
    assert row["input"].count("ки") == 3
    assert row["label"].count("+") == 2
    assert row["label"].count("-") == 1
    assert row["input"].replace("ки", "") == row["label"].replace(" +", " ").replace(" -", " ")
    assert row["input"].startswith("What? Step 1: Step 0.")


@pytest.mark.parametrize("format_", ["annotate", "prm800k"])
def test_a_step_that_somebody_left_open_is_counted_by_words(format_: str) -> None:
    tally = Tally()
    assert [*FORMATS[format_].rows(record(people=[person("a", 1, None, -1)]), LabelPolicy(), tally)]
    assert tally.labels == {"1": 1, "not rated": 1, "-1": 1}


@pytest.mark.parametrize("format_", ["trl-prm", "math-shepherd"])
def test_formats_of_two_classes_refuse_a_third(format_: str) -> None:
    with pytest.raises(PolicyError, match="neutral"):
        rows(format_, RATED, neutral="own_class")


@pytest.mark.parametrize("format_", ["trl-prm", "math-shepherd", "prm800k"])
def test_what_is_written_reads_back_as_the_same_labels(format_: str) -> None:
    (row,) = rows(format_, RATED)
    (again,) = READERS[format_].read(row, ReaderOptions())
    assert again.problem.statement == "What?"
    assert again.solution is not None
    written = [step.text for step in again.solution.path()]
    assert [text.removeprefix(f"Step {place + 1}: ") for place, text in enumerate(written)][:3] == [
        "Step 0.",
        "Step 1.",
        "Step 2.",
    ]


def test_prm800k_row_for_row() -> None:
    (one,) = READERS["prm800k"].read(VALID["prm800k"], ReaderOptions())
    assert rows("prm800k", one) == [VALID["prm800k"]]


def test_annotate_holds_all_and_reads_back() -> None:
    (one,) = READERS["jsonl"].read(VALID["jsonl"], ReaderOptions())
    (row,) = rows("annotate", one)
    (again,) = READERS["jsonl"].read(row, ReaderOptions())
    assert again.problem == one.problem
    assert again.solution == one.solution
    assert [said.steps for said in again.people] == [said.steps for said in one.people]
    assert [(said.progress, said.critiques) for said in again.people] == [
        (said.progress, said.critiques) for said in one.people
    ]
    assert again.people[0].progress == 0
    assert [said.is_own for said in again.people[0].critiques] == [False, True]
    assert again.gold == one.gold
    assert [run.steps for run in again.estimates] == [run.steps for run in one.estimates]
    assert again.judges == one.judges
    assert again.judges[0].steps[0].reason == "It adds."


def test_the_page_groups_formats_by_what_they_train() -> None:
    groups: dict[str, set[str]] = {group: set() for group in GROUPS}
    for name, format_ in FORMATS.items():
        groups[format_.group].add(name)
    assert list(groups.values()) == [
        {"verifier-sft", "verifier-dpo", "verifier-rl"},
        {"trl-prm", "qwen-prm", "rlhflow-prm", "openrlhf-prm", "math-shepherd"},
        {"orm", "reward-pairs", "dpo", "step-dpo", "sft", "verl"},
        {"annotate", "prm800k", "processbench"},
    ]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_format_in_every_container(tmp_path: Path, format_: str, container: str) -> None:
    expected = rows(format_, RATED)
    path = tmp_path / f"out.{container}"

    def write() -> str:
        with PartWriter(path, container, FORMATS[format_].schema(LabelPolicy())) as writer:
            writer.write(list(FORMATS[format_].rows(RATED, LabelPolicy(), Tally())))
        part = writer.part()
        assert (part.rows, part.bytes) == (len(expected), path.stat().st_size)
        assert part.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        return part.sha256

    assert write() == write(), "the same rows are the same bytes"
    if container == "parquet":
        assert len(pq.read_table(path).to_pylist()) == len(expected)
        return
    opened = {"jsonl": Path.open, "jsonl.gz": gzip.open, "jsonl.zst": ZstdFile}[container](path, "rb")
    with opened as file:
        assert [json.loads(line) for line in file.read().splitlines()] == expected


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with pytest.raises(KeyError), PartWriter(path, "jsonl", FORMATS["trl-prm"].schema(LabelPolicy())):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
