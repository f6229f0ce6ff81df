"""Rows of the database as arrays."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from django.db.models import QuerySet

from apps.quality.statistics.ratings import Floats, Ints, ints

ROWS_AT_ONCE = 50_000


def load_table(rows: QuerySet[Any], *columns: str) -> Floats:
    """The columns of all rows, which are numbers; NaN where there is none. Ids are exact up to 2^53."""
    iterator = rows.order_by().values_list(*columns).iterator(chunk_size=ROWS_AT_ONCE)
    parts = [np.array(part, dtype=np.float64) for part in iter(lambda: list(islice(iterator, ROWS_AT_ONCE)), [])]
    return np.concatenate(parts) if parts else np.zeros((0, len(columns)))


def places_of(ids: Floats | Ints, ascending: Ints) -> tuple[Ints, Ints]:
    """Which of the ids are known, and the place of each in `ascending`."""
    whole_ids = ids.astype(np.int64)
    places = np.searchsorted(ascending, whole_ids)
    is_known = places < len(ascending)
    is_known[is_known] = ascending[places[is_known]] == whole_ids[is_known]
    return np.flatnonzero(is_known), places[is_known]


def numbers_of(ids: Floats | Ints) -> Ints:
    """Equal ids get equal numbers, from 0."""
    return ints(np.unique(ids, return_inverse=True)[1])
