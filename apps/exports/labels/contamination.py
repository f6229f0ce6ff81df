"""Whether a problem is among test problems: they share 13 words in a row, or are equal where one is shorter. Pure.

Brown et al. 2020 (GPT-3, appendix C) compare data with test sets by 13 words.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from apps.corpus.identity import normalized_words, ranking_hash, words_of

WORDS = 13
CONTAMINATED = "of problems that share 13 words in a row with a test problem"

_HASH = np.dtype("<u8")


def fingerprints(text: str) -> set[int]:
    """The hashes of all runs of 13 words; of a shorter text, the hash of all its words."""
    words = words_of(text)
    if len(words) < WORDS:
        return {ranking_hash(normalized_words(text))}
    return {ranking_hash(" ".join(words[start : start + WORDS])) for start in range(len(words) - WORDS + 1)}


def packed(hashes: Iterable[int]) -> bytes:
    """The hashes in order, eight bytes each."""
    return np.unique(np.fromiter(hashes, dtype=_HASH)).tobytes()


class ContaminationIndex:
    """The fingerprints of one or several lists of test problems, from their packed form."""

    def __init__(self, lists: Iterable[bytes]) -> None:
        self._hashes = np.unique(np.frombuffer(b"".join(lists), dtype=_HASH))

    def contains(self, statement: str) -> bool:
        hashes = np.fromiter(fingerprints(statement), dtype=_HASH)
        places = np.searchsorted(self._hashes, hashes)
        nearest = self._hashes[np.minimum(places, len(self._hashes) - 1)] if len(self._hashes) else hashes[:0]
        return bool(np.any(nearest == hashes)) if len(nearest) else False
