"""Describes a file of an unsupported kind in one sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

READ = "JSON Lines, a JSON array, CSV, TSV and Parquet are read, plain, gzipped or zstd"
BOM = b"\xef\xbb\xbf"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save an Excel sheet as CSV UTF-8"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"PAR1", "a Parquet file that is compressed as a whole: unpack it, Parquet is compressed within"),
    (b"ARROW1", "an Arrow file"),
    (b"\xff\xff\xff\xff", "an Arrow stream, as the datasets library keeps it: write it with `to_json` or `to_parquet`"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"\x1f\x8b", "packed twice: unpack it once"),
    (b"\x28\xb5\x2f\xfd", "packed twice: unpack it once"),
)
_ZIP = "a ZIP archive: unpack it, and import the file within"
_WORKBOOK = "an Excel workbook: save its sheet as CSV UTF-8"
_ZIPPED: tuple[tuple[bytes, str], ...] = (
    (b"xl/", _WORKBOOK),
    (b"application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet: save its sheet as CSV"),
    (b"word/", "a Word document"),
    (b"[Content_Types].xml", _WORKBOOK),
    (b".npy", "an archive of NumPy arrays"),
    (b"data.pkl", "a file of PyTorch"),
)
_TAR_MARK = slice(257, 262)
_YAML_LINE = re.compile(r"(?:- )?[A-Za-z_][\w .-]{0,60}:(?:\s|$)|- \S|---\s*$")
_WRAPPERS = (
    "data",
    "train",
    "test",
    "validation",
    "valid",
    "val",
    "dev",
    "rows",
    "examples",
    "items",
    "instances",
    "results",
    "records",
    "samples",
    "dataset",
    "questions",
    "problems",
    "entries",
    "list",
)
_SCALAR = r'"[\w-]{1,40}"\s*:\s*(?:"[^"]*"|[\w.-]+)\s*,\s*'
_WRAPPED = re.compile(rf'\{{\s*(?:{_SCALAR}){{0,5}}"({"|".join(_WRAPPERS)})"\s*:\s*[\[{{]')
# An object with one of these keys is a row, whatever lists it has.
_ROW_KEYS = {
    "problem",
    "question",
    "prompt",
    "instruction",
    "query",
    "input",
    "chosen",
    "messages",
    "conversations",
    "annotations",
}
_MANY_ROWS = 10


def sentence(kind: str) -> str:
    return f"this is {kind}; {READ}"


def binary_kind(head: bytes) -> str | None:
    """The kind that the first bytes show; None where they may be text in UTF-8."""
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return sentence(next((kind for mark, kind in _ZIPPED if mark in head), _ZIP))
    if head[_TAR_MARK] == b"ustar":
        return sentence("a tar archive: unpack it")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return sentence(kind)
    if head[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"):
        return sentence("text in UTF-32: save it in UTF-8")
    if (head[:1] and b"\x00" in head[:2]) or head[1:8:2].count(0) > 2:
        return sentence("text in UTF-16 without a byte-order mark: save it in UTF-8")
    return sentence("a binary file") if b"\x00" in head[:64] else None


def text_kind(head: bytes) -> str | None:
    """The kind of a text whose first line is no JSON; None where its lines may be rows of which the first is broken."""
    lines = [line for line in head.removeprefix(BOM).decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return None
    if lines[0].lstrip().startswith("{"):
        return broken_object_kind(lines, head)
    if any(line.lstrip().startswith("{") for line in lines):
        return None
    first = lines[0].lstrip()
    if first.startswith("<"):
        kind = "an HTML page" if re.match(r"<(?:!doctype html|html)", first, re.IGNORECASE) else "XML"
    elif len(lines) > 1 and all(_YAML_LINE.match(line.strip()) for line in lines[:2]):
        kind = "YAML: write it as JSON Lines"
    else:
        kind = f"text that is neither JSON nor a table with a header: it begins with {first[:40]!r}"
    return sentence(kind)


def broken_object_kind(lines: list[str], head: bytes) -> str | None:
    wrapped = _WRAPPED.match(head.removeprefix(BOM).lstrip().decode(errors="replace"))
    if wrapped is not None:
        return _wrapped_under(wrapped[1])
    if lines[0].lstrip().startswith("{'"):
        return sentence("text of Python objects, in single quotes: write them with json.dumps")
    goes_on = len(lines) > 1 and not lines[1].lstrip().startswith("{")
    if goes_on and lines[0].rstrip().endswith(("{", "[", ",", ":")):
        return sentence("JSON objects over several lines: write each on a line of its own, as `jq -c . FILE` does")
    return None


def _wrapped_under(name: str) -> str:
    return (
        f'this is one JSON object whose rows are under "{name}"; write that list alone, as a JSON array or as JSON Lines '
        f"(`jq -c '.{name}[]' FILE`)"
    )


def object_kind(row: Mapping[str, Any]) -> str | None:
    """The kind of a file whose only object is not a row but holds all rows."""
    if not _ROW_KEYS & row.keys():
        for name in _WRAPPERS:
            value = row.get(name)
            if _is_rows(value) or (isinstance(value, dict) and any(_is_rows(inner) for inner in value.values())):
                return _wrapped_under(name)
    values = list(row.values())
    if len(values) >= _MANY_ROWS and all(isinstance(value, dict) for value in values):
        return sentence(f"one JSON object of {len(values):,} objects: write each on a line of its own")
    lengths = {len(value) if isinstance(value, list) else 0 for value in values}
    items = [item for value in values if isinstance(value, list) for item in value]
    are_lists = len(lengths) == 1 and min(lengths) > 1 and not any(isinstance(item, dict) for item in items)
    # As pandas writes a table: `{"question": {"0": "...", "1": "..."}, ...}`.
    keys = {tuple(value) if isinstance(value, dict) else () for value in values}
    are_numbered = len(keys) == 1 and all(keys) and all(key.isdecimal() for key in keys.pop())
    if len(values) > 1 and (are_lists or are_numbered):
        return sentence("one JSON object of columns: write each row on a line of its own")
    return None


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return True
