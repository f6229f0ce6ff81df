from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.zstd import ZstdFile
from apps.corpus.streams import Line, raw_lines, read_rows

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
        gzip.compress(LINES),
        packed(LINES),
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=2).encode(),
        parquet(ROWS),
    ],
    ids=["lines", "no last end", "windows", "bom", "gzip", "zstd", "array", "pretty array", "parquet"],
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
        (b'{"a": NaN}', "JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": 1e999}', ""),
    ],
)
def test_a_bad_row_says_why_and_the_next_is_read(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": 1}\n' + content + b'\n{"a": 2}\n')
    first, bad, last = read_rows(path)
    assert (first.row, last.row, last.number) == ({"a": 1}, {"a": 2}, 3)
    assert bad.error is not None
    assert reason.lower() in str(bad.error).lower()


def test_a_line_over_the_limit_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": "' + b"x" * 5000 + b'"}\n{"a": 2}\n')
    bad, good = read_rows(path, limit=1000)
    assert "5,010 bytes" in str(bad.error)
    assert good.row == {"a": 2}


@pytest.mark.parametrize("pack", [gzip.compress, packed], ids=["gzip", "zstd"])
def test_a_file_that_is_cut_off_gives_its_rows_and_says_so(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    lines = b"".join(json.dumps({"a": n, "b": str(n * 7919 % 10007)}).encode() + b"\n" for n in range(20_000))
    path = tmp_path / "rows"
    path.write_bytes(pack(lines)[:-2000])
    *good, last = read_rows(path)
    assert len(good) > 100
    assert all(line.error is None for line in good[:-1])
    assert "cut off" in str(last.error)


def test_rows_that_were_refused_can_be_had_again_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(b'{"a": 1}\nbroken \xff\n{"a": 3}\n'))
    assert list(raw_lines(path, {2, 3})) == [(2, b"broken \xff"), (3, b'{"a": 3}')]


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"["]))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "rows"
    path.write_bytes(start + content)
    for line in read_rows(path):
        assert isinstance(line, Line)
        assert line.error is not None or isinstance(line.row, dict)
