"""Ratings from strings of signs: `++-` is great, great, bad; `.` is unsure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.quality.statistics.ratings import Ratings

SIGNS = {"+": 1, "0": 0, "-": -1}


def ratings_of(table: Sequence[Sequence[str]], order: Sequence[int] | None = None) -> Ratings:
    """A row per solution, a string per labeler; an empty string is no assignment. `order`: labelers by submission."""
    lengths = [max(1, *(len(signs) for signs in row)) for row in table]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    entries = [
        (offsets[solution] + position, labeler, SIGNS[sign])
        for labeler in (order or range(max(len(row) for row in table)))
        for solution, row in enumerate(table)
        for position, sign in enumerate(row[labeler] if labeler < len(row) else "")
        if sign in SIGNS
    ]
    steps, labelers, ratings = zip(*entries, strict=True) if entries else ((), (), ())
    return Ratings.of(steps, labelers, ratings, offsets, max(len(row) for row in table))
