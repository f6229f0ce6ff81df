r"""Parses matrices and vectors, with a factor before them: `\frac{1}{5}\begin{pmatrix} 16 \\ 48 \end{pmatrix}`."""

from __future__ import annotations

import re

from apps.verifiers.math.brackets import outer

_ENVIRONMENT = re.compile(
    r"(?P<factor>.*?)\s*(?:\\cdot\s*)?[(\[]?\s*\\begin\s?\{(?P<kind>[pbB]?(?:small)?matrix\*?|array)\}\s*(?:(?<=array\})\s*\{[^{}]*\}|(?<=\*\})\[\w\])?"
    r"(?P<body>(?:(?!\\begin).)*?)\\end\s?\{(?P=kind)\}\s*[)\]]?\s*(?P<over>/\s*\d+)?",
    re.DOTALL,
)
_ROW = re.compile(r"\\\\(?:\s?\[[^\]]*\])?|\\cr(?![A-Za-z])|\\hline")
_CELL = re.compile(r"(?<!\\)&")
_MAX_ENTRIES = 100


def read_matrix(text: str) -> list[list[str]] | None:
    """The entries by row, each times the factor; None where the text is not a matrix or its rows differ in length."""
    if "\\begin" not in text:
        # `[[1,2],[3,4]]`, as in program code.
        opening, inner, _ = outer(text) if text.replace(" ", "").startswith("[[") else ("", "", "")
        pieces = re.split(r"(?<=\])\s*,\s*(?=\[)", inner) if opening == "[" else []
        if not pieces or any(outer(piece)[0] != "[" for piece in pieces):
            return None
        rows = [[cell.strip() for cell in outer(piece)[1].split(",")] for piece in pieces]
        return rows if _is_rectangle(rows) else None
    matrix = _ENVIRONMENT.fullmatch(text)
    if matrix is None:
        return None
    rows = [[cell.strip() for cell in _CELL.split(row)] for row in _ROW.split(matrix["body"]) if row.strip()]
    if not _is_rectangle(rows):
        return None
    factor, over = matrix["factor"].strip(), matrix["over"] or ""
    if factor.endswith("="):
        return None
    return [[_times(factor, entry) + over for entry in row] for row in rows]


def _is_rectangle(rows: list[list[str]]) -> bool:
    return (
        bool(rows)
        and len({len(row) for row in rows}) == 1
        and len(rows) * len(rows[0]) <= _MAX_ENTRIES
        and all(map(all, rows))
    )


def _times(factor: str, entry: str) -> str:
    if not factor:
        return entry
    if factor in {"-", "+"}:
        return f"{factor}({entry})"
    return f"({factor}) \\cdot ({entry})"
