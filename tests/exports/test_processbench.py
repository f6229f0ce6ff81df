"""ProcessBench rows: they read back as the same gold, and the published rows come out as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.labels import first_error
from apps.corpus.records import Record
from tests.corpus.rows import VALID
from tests.examples import examples
from tests.exports.golden_rows import SUM, exported, gold, solution


def read(row: dict[str, Any]) -> Record:
    (record,) = READERS["processbench"].read(row, ReaderOptions())
    assert not record.ignored
    return record


def test_an_imported_row_comes_out_as_it_was() -> None:
    assert exported("processbench", [read(VALID["processbench"])]) == [VALID["processbench"]]


def test_published_rows_come_out_as_they_were(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "processbench.jsonl").read_text().splitlines()]
    assert exported("processbench", map(read, rows)) == rows


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=5), st.sampled_from([True, False, None]))
@examples(100)
def test_what_is_written_reads_back_as_the_same_first_error(ratings: list[int], is_correct: bool | None) -> None:
    texts = [f"Step {place}." for place in range(len(ratings))]
    record = Record(problem=SUM, solution=solution(*texts, is_correct=is_correct), gold=gold(*ratings))
    (row,) = exported("processbench", [record])
    again = read(row)
    assert again.solution is not None
    assert [step.text for step in again.solution.path()] == texts
    assert (again.solution.source, again.solution.is_correct) == ("llama-7b", is_correct)
    label = first_error(dict(enumerate(ratings)), len(ratings))
    assert row["label"] == first_error({one.position: one.rating for one in again.gold}, len(texts)) == label
    assert exported("processbench", [again]) == [row]


def test_rows_without_an_id_have_one_that_depends_on_their_content_alone() -> None:
    one, same, other = (Record(problem=SUM, solution=solution(text), gold=gold(1)) for text in ("One.", "One.", "Two."))
    ids = [row["id"] for record in (one, same, other) for row in exported("processbench", [record])]
    assert ids[0] == ids[1] != ids[2]
