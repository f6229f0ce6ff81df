"""CSV and TSV files as spreadsheets, pandas and hand-written scripts make them."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.imports.files import Line, raw_lines, read_rows, shape_of
from tests.corpus.test_files import packed
from tests.examples import examples

ROWS = [
    {"problem": 'He said "2 + 2".\nWhat is it?', "answer": "4", "note": None},
    {"problem": "1,5 · 2; 3", "answer": "ü", "note": " x\ty "},
]


def table(delimiter: str = ",", rows: list[dict[str, str | None]] = ROWS, end: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def lines_of(tmp_path: Path, content: bytes | str, **limits: int) -> list[Line]:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, **limits))


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (table().encode(), "CSV, separated by commas"),
        (table(";").encode(), "CSV, separated by semicolons"),
        (table("\t").encode(), "TSV, separated by tabs"),
        (table(end="\n").rstrip("\n").encode(), "CSV, separated by commas"),
        (table(end="\r").encode(), "CSV, separated by commas"),
        (b"\xef\xbb\xbf" + table().encode(), "CSV, separated by commas"),
        (table("\t").encode("utf-16"), "TSV, separated by tabs"),
        (b"\xfe\xff" + table(";").encode("utf-16-be"), "CSV, separated by semicolons"),
        (gzip.compress(table().encode()), "CSV, separated by commas"),
        (packed(table().encode()), "CSV, separated by commas"),
    ],
    ids=["commas", "semicolons", "tabs", "unix", "old mac", "bom", "utf-16", "utf-16 big", "gzip", "zstd"],
)
def test_a_table_is_read_whatever_it_is_called_and_its_delimiter_is_named(
    tmp_path: Path, content: bytes, title: str
) -> None:
    lines = lines_of(tmp_path, content)
    assert [line.error for line in lines] == [None, None]
    assert [line.row for line in lines] == ROWS
    assert [line.number for line in lines] == [2, 3]
    shape = shape_of(tmp_path / "rows.jsonl")
    assert shape is not None
    assert (shape.title, shape.is_table) == (title, True)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (b'{"a": 1}\n', ("JSON Lines", "", "")),
        (gzip.compress(b'[{"a": 1}]'), ("JSON array", "gzip", "")),
        ('{"a": 1}\n'.encode("utf-16"), ("JSON Lines", "", "UTF-16")),
        (b"%PDF-1.7", None),
        (b"\x1f\x8bbroken", None),
    ],
)
def test_how_a_file_holds_its_rows_is_named(tmp_path: Path, content: bytes, shape: tuple[str, str, str] | None) -> None:
    (tmp_path / "file").write_bytes(content)
    found = shape_of(tmp_path / "file")
    assert (found and (found.title, found.packed, found.encoding)) == shape


def test_a_single_column_is_a_table_if_its_name_says_so(tmp_path: Path) -> None:
    assert [line.row for line in lines_of(tmp_path, "Problem\nWhat, then?\n")] != []
    (line,) = lines_of(tmp_path, 'question\n"What, then?"\n')
    assert line.row == {"question": "What, then?"}
    (refused,) = lines_of(tmp_path, "These are words\nand more words\n")
    assert refused.error is not None


@pytest.mark.parametrize(
    ("header", "field", "reason"),
    [
        ("problem,answer,problem", "problem", "column 1 and of column 3 in row 1"),
        ("problem,,answer", "column 2", "no name in row 1"),
        (",problem,answer", "column 1", "index=False"),
        ("problem,r\xe9ponse", "column 2", "UTF-8"),
        (f"{'problem' * 8},{'answer' * 8},an\x00swer", "column 3", "NUL"),
    ],
)
def test_a_header_that_does_not_name_its_columns_is_an_error(
    tmp_path: Path, header: str, field: str, reason: str
) -> None:
    (line,) = lines_of(tmp_path, f"{header}\n1,2,3\n".encode("latin-1"))
    assert line.error is not None
    assert line.error.field == field
    assert reason in line.error.reason


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (b"What?", "answer", "the row has 1 cell, and the header names 2 columns"),
        (b"What?,1,2", "cell 3", "the row has 3 cells"),
        (b'"What" is,1', "row 3", "written twice"),
        (b"What?,r\xe9ponse", "answer", "(byte 0xe9): the file may be in Windows-1252"),
        (b"What?,a\x00b", "answer", "NUL"),
        (b"What?,#NAME?", "answer", "took a text for a formula"),
    ],
)
def test_a_wrong_row_names_its_column_and_the_next_is_read(tmp_path: Path, row: bytes, field: str, reason: str) -> None:
    long = "a" * 60  # A NUL further up makes it a binary file.
    first, wrong, last = lines_of(tmp_path, f"problem,answer\n{long},1\n".encode() + row + b"\nb,2\n")
    assert (first.row, last.row, last.number) == ({"problem": long, "answer": "1"}, {"problem": "b", "answer": "2"}, 4)
    assert wrong.error is not None
    assert (wrong.number, wrong.error.field) == (3, field)
    assert reason in wrong.error.reason


def test_a_formula_stays_a_text(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, "problem,answer\n=1+1,\"=cmd|' /C calc'!A0\"\n")
    assert line.row == {"problem": "=1+1", "answer": "=cmd|' /C calc'!A0"}


def test_a_quoted_cell_without_an_end_does_not_take_the_whole_file(tmp_path: Path) -> None:
    content = 'problem,answer\na,1\n"no end,2\n' + "b,2\n" * 50_000
    first, last = lines_of(tmp_path, content, limit=10_000)
    assert first.row == {"problem": "a", "answer": "1"}
    assert last.error is not None
    assert "longer than 10,000 bytes, and nothing after it is read" in last.error.reason
    *_, open_ended = lines_of(tmp_path, 'problem,answer\na,1\n"no end,2\n')
    assert "is not CSV" in str(open_ended.error)


def test_text_that_is_cut_off_in_utf_16_has_its_rows_and_an_error(tmp_path: Path) -> None:
    content = ("problem\tanswer\n" + "What?\t1\n" * 40_000).encode("utf-16")
    *good, last = lines_of(tmp_path, content[:-1])
    assert len(good) > 30_000
    assert "UTF-16" in str(last.error)


def test_a_table_is_not_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("problem,answer\n" + f"{'x' * 1000},1\n" * 40_000)
    tracemalloc.start()
    assert sum(1 for _ in read_rows(path)) == 40_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024**2


def test_refused_rows_of_a_table_keep_their_quotation_marks(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('problem,answer\n"a\nb",1\nb\n"c ""d""",3,4\n')
    assert list(raw_lines(path, {1, 3, 4})) == [(1, b"problem,answer"), (3, b"b"), (4, b'"c ""d""",3,4')]


def test_blank_lines_may_come_before_the_header(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n\nproblem,answer\n1+1?,2\nbad\n")
    first, second = read_rows(path)
    assert (first.number, first.row) == (4, {"problem": "1+1?", "answer": "2"})
    assert (second.number, second.error is not None) == (5, True)
    assert [text for _, text in raw_lines(path, {1, 5})] == [b"problem,answer", b"bad"]


@examples(100)
@given(content=st.text(alphabet='ab,;\t"\r\n#\x00\x85\u2028é', max_size=80))
def test_no_table_raises(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    for encoding in ("utf-8", "latin-1", "utf-16"):
        for line in lines_of(
            tmp_path_factory.mktemp("any"), ("problem,b\n" + content).encode(encoding, errors="ignore")
        ):
            assert line.error is not None or isinstance(line.row, dict)


@examples(100)
@given(rows=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=4))
def test_what_pythons_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    clean = [[cell.replace("\x00", "").replace("#", "") for cell in row] for row in rows]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("problem", "answer"), *clean])
    lines = lines_of(tmp_path_factory.mktemp("any"), out.getvalue())
    assert [list(line.row.values()) for line in lines] == [[cell or None for cell in row] for row in clean]
