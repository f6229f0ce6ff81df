"""Rows of two classes in one file: every stretch has its share of both, in whatever order the rows come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.utils import timezone

from apps.corpus.models import Step
from apps.exports.files import mixer as mixer_module
from apps.exports.files import parts
from apps.exports.files.mixer import Mix, MixedWriter, Mixer
from apps.exports.files.part_rows import part_rows
from apps.exports.files.storage import part_path
from apps.exports.files.writers import CONTAINERS, PartWriter
from apps.exports.formats import FORMATS
from apps.exports.load.spans import count_answers
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import with_column
from apps.exports.rows.chunks import expected_mix
from apps.exports.rows.stream import stream_rows
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import make_problem, make_solution

COLUMNS = FORMATS["orm"].schema(LabelPolicy())
CHUNK = 700


def made(right: int, wrong: int) -> list[dict[str, Any]]:
    """The right ones first: the worst order in which they may come."""
    return [{"prompt": "p", "completion": str(place), "label": place < right} for place in range(right + wrong)]


def mixed(rows: list[dict[str, Any]], expected: Mix | None = None) -> tuple[list[dict[str, Any]], int]:
    """The rows as they leave the mixer, and how many left before the last had come."""
    with Mixer("label", COLUMNS, expected) as mixer:
        early = [row for chunk in chunks(rows) for frame in mixer.add(chunk) for row in frame.to_dicts()]
        return [*early, *(row for frame in mixer.rest() for row in frame.to_dicts())], len(early)


def chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def assert_even(found: list[dict[str, Any]], right: int) -> None:
    for start in range(0, len(found), 10):
        stretch = found[start : start + 10]
        share = sum(row["label"] for row in stretch)
        assert abs(share - len(stretch) * right / len(found)) <= 1, f"at {start}"


@pytest.mark.parametrize("in_memory", [0, 30_000, 10**8])
@pytest.mark.parametrize(("right", "wrong"), [(0, 0), (3, 0), (0, 3), (1, 7), (5, 5), (2000, 3000), (9000, 200)])
def test_no_stretch_of_one_class_is_longer_than_it_must_be(
    right: int, wrong: int, in_memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixer_module, "MOST_IN_MEMORY", in_memory)
    rows = made(right, wrong)
    found, _ = mixed(rows)
    assert sorted(found, key=lambda row: int(row["completion"])) == rows
    assert_even(found, right)
    assert mixed(rows, Mix(right, wrong))[0] == found, "the order does not depend on what was expected, if it was right"


def test_rows_that_come_in_turns_need_not_wait() -> None:
    rows = sorted(made(1000, 3000), key=lambda row: int(row["completion"]) % 1000)
    found, early = mixed(rows, Mix(1000, 3000))
    assert early == len(rows)
    assert_even(found, 1000)
    assert mixed(rows)[1] == 0, "without a number to go by, all wait for the last"


@pytest.mark.parametrize("expected", [Mix(1010, 2990), Mix(1000, 2990), Mix(1003, 3007), Mix(0, 0)])
def test_nothing_is_lost_where_other_rows_come_than_were_expected(expected: Mix) -> None:
    rows = sorted(made(1000, 3000), key=lambda row: int(row["completion"]) % 1000)
    found, _ = mixed(rows, expected)
    assert sorted(row["completion"] for row in found) == sorted(row["completion"] for row in rows)
    for label in (True, False):
        of_class = [row["completion"] for row in found if row["label"] is label]
        assert of_class == [row["completion"] for row in rows if row["label"] is label], "each class keeps its order"


def test_a_writer_of_mixed_rows_writes_all(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with PartWriter(path, "jsonl", COLUMNS) as writer, MixedWriter(writer, Mixer("label", COLUMNS)) as out:
        for chunk in chunks(made(10, 1400)):
            out.write(chunk)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == 1410
    assert_even(found, 10)


@pytest.mark.django_db
def test_what_is_expected_of_a_project(project: Project) -> None:
    for number, is_correct in enumerate([True, False, True, False, False, None]):
        problem = make_problem(project, statement=f"Problem {number}?")
        make_solution(problem, is_correct=is_correct)
        if number in (2, 3):
            problem.retired_at = timezone.now()
            problem.save()
    make_solution(make_problem(project, statement="Nothing?"), is_correct=True, steps=())
    assert count_answers(project) == (1, 2)
    assert expected_mix(project, LabelPolicy()) == Mix(1, 2)
    for rule in (
        {"splits": {"train": 0.5, "test": 0.5}},
        {"duplicates": "drop_same_text"},
        {"answers": "right"},
        {"generators": ("model",)},
        {"subjects": ("algebra",)},
        {"contamination": ("test",)},
    ):
        assert expected_mix(project, LabelPolicy(**rule)) is None, "a rule may leave out more of one class"
    make_problem(project, statement="Hi", extras={"messages": [{"role": "user", "content": "Hi"}]})
    assert expected_mix(project, LabelPolicy()) is None, "some dialogues make no row"


@pytest.mark.django_db
def test_the_first_rows_of_a_stream_need_not_wait_for_the_last(project: Project) -> None:
    # The first 50 problems of a project are read first, in a chunk of their own.
    for number in range(60):
        make_solution(make_problem(project, statement=f"Problem {number}?"), is_correct=number % 2 == 0)
    blocks = list(stream_rows(project, "orm", LabelPolicy()))
    assert len(blocks) > 1
    frame = pl.concat([pl.read_ndjson(block) for block in blocks])
    assert frame["label"].to_list() == [False, True] * 30


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("in_memory", [0, 10**8])
def test_messages_and_addresses_wait_as_texts_do(
    container: str, in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixer_module, "MOST_IN_MEMORY", in_memory)
    policy = LabelPolicy(prompts="conversational", lineage="column")
    columns = with_column(FORMATS["orm"].schema(policy), policy)
    rows = [
        {
            "prompt": [{"role": "user", "content": f"{number}?"}],
            "completion": [{"role": "assistant", "content": "é" * number}],
            "label": number % 3 == 0,
            "lineage": f"/solutions/{number}",
        }
        for number in range(900)
    ]
    path = tmp_path / f"out.{container}"
    with PartWriter(path, container, columns) as writer, MixedWriter(writer, Mixer("label", columns)) as out:
        for chunk in chunks(rows):
            out.write(chunk)
    found = list(part_rows(path, container))
    assert sorted(found, key=lambda row: int(row["lineage"].rpartition("/")[2])) == rows
    assert_even(found, 300)


def test_a_row_that_is_in_no_class_is_an_error() -> None:
    with Mixer("label", COLUMNS) as mixer, pytest.raises(ValueError, match="the column label has 1 nulls"):
        mixer.add([{"prompt": "p", "completion": "c", "label": None}])


@pytest.mark.django_db
def test_each_part_is_mixed_by_its_own_numbers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_SIZE", 20)
    for number in range(40):
        # The first part has as many right as wrong answers, the second only one in four.
        problem = make_problem(project, statement=f"Problem {number}?")
        make_solution(problem, is_correct=number % (2 if number < 20 else 4) == 0)
    export = run_export(export_id=create_export(project=project, format="orm").pk)
    labels = [
        [json.loads(line)["label"] for line in part_path(export, index).read_text().splitlines()]
        for index in range(len(export.parts))
    ]
    assert labels == [[False, True] * 10, [False, False, False, True] * 5]


@pytest.mark.django_db
def test_texts_are_read_as_imported_and_without_steps_there_is_none(project: Project) -> None:
    """The steps of `orm` are read as lists of texts."""
    make_solution(make_problem(project, statement="Imported?"), is_correct=True, extras={"text": "As  it was.\n"})
    make_solution(make_problem(project, statement="Nothing?"), is_correct=True, steps=())
    branched = make_solution(make_problem(project, statement="Branched?"), is_correct=False, separator=" | ")
    branched.steps.filter(position=1).update(candidate=1)
    Step.objects.create(solution=branched, position=1, candidate=0, text="Not this.", chosen=False)
    rows = [json.loads(line) for block in stream_rows(project, "orm", LabelPolicy()) for line in block.splitlines()]
    assert sorted((row["prompt"], row["completion"], row["label"]) for row in rows) == [
        ("Branched?\n", "One. | Two. | Three.", False),
        ("Imported?\n", "As  it was.\n", True),
    ]
