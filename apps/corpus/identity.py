"""Digests that identify problems and solutions: rows with the same digest are the same. Pure."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from uuid import UUID

from apps.corpus.records import SolutionRecord

_UNIT = "\x1f"  # ASCII's unit separator: no text of a row is likely to hold it.


def digest(*parts: str) -> UUID:
    return UUID(bytes=blake2b(_UNIT.join(parts).encode(), digest_size=16).digest())


# The digest of empty solutions, from which rounds start that have only the problem.
EMPTY_SOLUTION = digest("blank")


def problem_digest(statement: str) -> UUID:
    """White space around the statement is ignored."""
    return digest(statement.strip())


def solution_digest(solution: SolutionRecord) -> UUID:
    """Of the record's `identity` where it has one, otherwise of its source and its steps."""
    if solution.identity is not None:
        return digest("identity", solution.identity)
    texts = [f"{step.position}{_UNIT}{step.candidate}{_UNIT}{step.text}" for step in solution.steps]
    return digest("content", solution.source or "", *texts)


# Thai, Lao, Burmese, Khmer, kana and Chinese characters: scripts that are written without spaces.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# A word, a character of those scripts, or an operator: 1 + 1 is not 1 - 1.
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[-+*/^=<>%]")
_MINUS = str.maketrans({"\u2212": "-"})


def words_of(text: str) -> list[str]:
    """The words and operators of a text, without differences of case, white space, punctuation and Unicode form."""
    return _WORD.findall(_folded(text))


def normalized_words(text: str) -> str:
    """The words of a text with one space between them; of a row of other symbols, the symbols."""
    return " ".join(words_of(text)) or "".join(_folded(text).split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_MINUS).casefold()


def ranking_hash(*parts: str) -> int:
    """A hash from 0 to 2**64 - 1: a reproducible order that is as good as random."""
    return int.from_bytes(blake2b(_UNIT.join(parts).encode(), digest_size=8).digest())
