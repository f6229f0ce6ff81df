from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.zstd import ZstdFile
from apps.corpus.imports import json_array
from apps.corpus.imports.files import Line, raw_lines, read_rows
from tests.examples import examples

ROWS = [{"a": number, "text": "ü" * number} for number in range(5)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def packed(content: bytes) -> bytes:
    """Two frames, as parallel compressors write them."""
    out = io.BytesIO()
    for part in (content[: len(content) // 2], content[len(content) // 2 :]):
        with ZstdFile(out, "w") as file:
            file.write(part)
    return out.getvalue()


def parquet(rows: list[dict[str, object]]) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.rstrip(b"\n"),
        LINES.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + LINES,
        LINES.decode().encode("utf-16"),
        gzip.compress(LINES),
        packed(LINES),
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=2).encode(),
        parquet(ROWS),
    ],
    ids=["lines", "no last end", "windows", "bom", "utf-16", "gzip", "zstd", "array", "pretty array", "parquet"],
)
def test_every_container_gives_the_same_rows(tmp_path: Path, content: bytes) -> None:
    """Whatever the file is called: what it is, its first bytes tell."""
    path = tmp_path / "rows.txt"
    path.write_bytes(content)
    lines = list(read_rows(path))
    assert [line.error for line in lines] == [None] * 5
    assert [line.row for line in lines] == ROWS
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]


def test_blank_lines_count_and_give_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'\n{"a": 1}\n\n  \n{"a": 2}\n')
    assert [(line.number, line.row) for line in read_rows(path)] == [(2, {"a": 1}), (5, {"a": 2})]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "JSON"),
        (b"[1, 2]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b'{"a": NAN}', "JSON"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "c: is twice"),
        (b'{"a": 1, "a": 1}', "a: is twice"),
        (b'{"a":1,"b" :2,"a":3}', "a: is twice"),
        (b'{"a": "\\u0022:", "b": 1, "b": 2}', "b: is twice"),
        (b'{"a": "\\"\\u003a", "b": 1, "b": 2}', "b: is twice"),
        (b'{"a": "\\"\\u003A", "b": 1, "b": 2}', "b: is twice"),
        (b'{"a": {"\\"\\u003a": 1}, "b": 1, "b": 2}', "b: is twice"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": 1e999}', ""),
    ],
)
def test_a_bad_row_has_an_error_and_the_next_is_read(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": 1}\n' + content + b'\n{"a": 2}\n')
    first, bad, last = read_rows(path)
    assert (first.row, last.row, last.number) == ({"a": 1}, {"a": 2}, 3)
    assert bad.error is not None
    assert reason.lower() in str(bad.error).lower()


def test_a_line_over_the_limit_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": "' + b"x" * 5000 + b'"}\n{"a": 2}\n')
    bad, good = read_rows(path, limit=1000)
    assert "5,010 bytes" in str(bad.error)
    assert good.row == {"a": 2}


@pytest.mark.parametrize("pack", [gzip.compress, packed], ids=["gzip", "zstd"])
def test_a_file_that_is_cut_off_has_its_rows_and_an_error(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    lines = b"".join(json.dumps({"a": n, "b": str(n * 7919 % 10007)}).encode() + b"\n" for n in range(20_000))
    path = tmp_path / "rows"
    path.write_bytes(pack(lines)[:-2000])
    *good, last = read_rows(path)
    assert len(good) > 100
    assert all(line.error is None for line in good[:-1])
    assert "cut off" in str(last.error)


def test_refused_rows_are_returned_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(b'{"a": 1}\nbroken \xff\n{"a": 3}\n'))
    assert list(raw_lines(path, {2, 3})) == [(2, b"broken \xff"), (3, b'{"a": 3}')]


@examples(200)
@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"["]))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "rows"
    path.write_bytes(start + content)
    for line in read_rows(path):
        assert isinstance(line, Line)
        assert line.error is not None or isinstance(line.row, dict)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_python_writes_are_null(tmp_path: Path, number: str) -> None:
    text = f'{{"a": {number}, "b": [1, {number}], "c": "NaN: \\"{number}\\""}}'
    for content in (text, f"[{text},\n {text}]", f'{{"a": 1}}\n{text}'):
        path = tmp_path / "rows"
        path.write_text(content)
        *_, line = read_rows(path)
        assert line.error is None
        assert line.row == {"a": None, "b": [1, None], "c": f'NaN: "{number}"'}


@pytest.mark.parametrize(
    ("elements", "errors"),
    [
        (['{"a": 1, "a": 2}', '{"b": 1}'], {1: "a: is twice"}),
        (['{"a": "\\ud800"}', '{"a": "\\u0000"}', '{"b": 1}'], {1: "surrogate", 2: "NUL"}),
        (['{"a": 1e999}', '{"a": ' + "9" * 5000 + "}", "3", '{"b": "],[{"}'], {1: "range", 2: "range", 3: "object"}),
        (['{"b": 1}', "{broken}", '{"b": 1}'], {2: "from here on"}),
        (['{"b": 1}', '{"b": 1} {"b": 1}'], {3: "comma"}),
        (['{"b": 1}', ""], {2: "from here on"}),
        (['{"b": 1}', '{"a": "no end'], {2: "from here on"}),
    ],
)
def test_rows_of_an_array_are_refused_one_by_one(tmp_path: Path, elements: list[str], errors: dict[int, str]) -> None:
    path = tmp_path / "rows"
    path.write_text("[\n" + ",\n".join(elements) + "\n]")
    lines = list(read_rows(path))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert {line.number for line in lines if line.error is not None} == set(errors)
    for line in lines:
        assert line.error is None or errors[line.number] in str(line.error)


def test_an_array_is_not_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text(json.dumps([{"a": "ü" * 1000, "b": [number]} for number in range(5000)], ensure_ascii=False))
    lines = read_rows(path)
    assert next(lines).position < path.stat().st_size / 2
    assert [line.row["b"] for line in lines] == [[number] for number in range(1, 5000)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_an_array_may_be_cut_anywhere(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "CHUNK", chunk)
    rows = [{"a": 'ü\\"]', "b": [1, -2.5e10, {"c": None}], "d": True}, {}, [1], -12345, "x😀", None, {"f": [[]]}]
    content = json.dumps(rows, ensure_ascii=False).encode()
    for cut in range(1, len(content)):
        elements = json_array.array_elements(content[:cut], io.BytesIO(content[cut:]))
        assert [json.loads(element) for element in elements] == rows


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, LINES)
    return out.getvalue()


def tarred(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("rows.jsonl")
        entry.size = len(LINES)
        archive.addfile(entry, io.BytesIO(LINES))
    return out.getvalue()


KINDS: dict[str, tuple[bytes, str]] = {
    "utf-16 without mark": (LINES.decode().encode("utf-16-le"), "UTF-16"),
    "utf-16 of the other end": (LINES.decode().encode("utf-16-be"), "UTF-16"),
    "utf-32": (LINES.decode().encode("utf-32"), "UTF-32"),
    "zip": (zipped("rows.jsonl"), "ZIP archive: unpack it"),
    "xlsx": (zipped("xl/workbook.xml"), "save its sheet as CSV"),
    "docx": (zipped("word/document.xml"), "Word"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save an Excel sheet as CSV"),
    "torch": (zipped("archive/data.pkl"), "PyTorch"),
    "tar": (tarred("w"), "tar"),
    "tar.gz": (tarred("w:gz"), "tar"),
    "bzip2": (bz2.compress(LINES), "bzip2"),
    "xz": (lzma.compress(LINES), "xz"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "pickle": (pickle.dumps(ROWS), "pickle"),
    "gzipped parquet": (gzip.compress(parquet([{"a": 1}])), "Parquet"),
    "gzip in gzip": (gzip.compress(gzip.compress(LINES)), "twice"),
    "html": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "HTML"),
    "xml": (b"<?xml version='1.0'?>\n<rows/>", "XML"),
    "yaml": (b"- problem: What?\n  answer: 1\n- problem: Who?\n", "YAML"),
    "yaml document": (b"---\nproblem: What?\n", "YAML"),
    "text": (b"These are my problems.\nWhat is 1 + 1?\n", "neither JSON nor a table"),
    "python": (b"{'a': 1}\n{'a': 2}\n", "single quotes"),
    "pretty objects": ("\n".join(json.dumps(row, indent=2) for row in ROWS).encode(), "several lines"),
    "one pretty object": (json.dumps(ROWS[0], indent=2).encode(), "several lines"),
    "data": (json.dumps({"data": ROWS}).encode(), '"data"'),
    "data behind a version": (json.dumps({"version": "1.0", "n": 5, "data": ROWS}).encode(), '"data"'),
    "pretty data": (json.dumps({"version": 1, "data": ROWS}, indent=2).encode(), '"data"'),
    "train": (json.dumps({"train": ROWS, "test": ROWS}).encode(), '"train"'),
    "data of splits": (json.dumps({"data": {"train": ROWS}}).encode(), '"data"'),
    "by id": (json.dumps({f"q{number}": {"a": number} for number in range(12)}).encode(), "12 objects"),
    "columns": (json.dumps({"a": [1, 2], "b": ["x", "y"]}).encode(), "columns"),
    "numbered columns": (json.dumps({"a": {"0": 1, "1": 2}, "b": {"0": 1, "1": 2}}).encode(), "columns"),
    "empty": (b"", "no rows"),
    "blank lines": (b"\n  \n\n", "no rows"),
    "empty array": (b"[]", "no rows"),
    "bom alone": (b"\xef\xbb\xbf", "no rows"),
    "empty parquet": (parquet([{"a": 1}][:0]), "no rows"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_named_in_one_sentence(tmp_path: Path, kind: str) -> None:
    content, named = KINDS[kind]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    (line,) = read_rows(path)
    assert line.error is not None
    assert named in line.error.reason


@pytest.mark.parametrize(
    "content",
    [
        b'{"broken": \n{"a": 1}\n',
        b'no row, at all\n{"a": 1}\n',
        b'{"problem": {"statement": "x"}, "data": [{"a": 1}]}\n{"a": 1}',
        b'{"prompt": "x", "examples": [{"a": 1}]}\n',
        b'{"problem": {"statement": "What?"}, "solution": {"steps": ["a", "b"]}}\n',
        b'{"data": [{"a": 1}]}\n{"data": [{"a": 2}]}\n',
        b'{"chosen": [{"role": "user"}], "rejected": [{"role": "user"}]}',
    ],
)
def test_rows_that_only_look_like_another_kind_are_read_one_by_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    assert [line.error for line in read_rows(path)].count(None) >= 1
