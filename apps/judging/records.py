"""Verdicts as records, for exports. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from apps.corpus.records import JudgeRecord


def with_distinct_runs(records: Sequence[JudgeRecord]) -> list[JudgeRecord]:
    """The records of one solution, each judge's oldest run first; a row may not have a judge's run twice.

    Of a run of ours and an imported one with the same number, the older one loses it: the newest run of a judge is the one
    with the highest number in the row, here and wherever the row is imported. Where a run without a number exists already,
    it gets the smallest one that is free.
    """
    distinct: list[JudgeRecord] = []
    taken = {record.key for record in records}
    newer: set[tuple[str, int, int | None]] = set()
    for record in reversed(records):
        key = record.key
        if key in newer:
            free = ((*key[:2], number) for number in (None, *range(len(taken) + 1)))
            key = next(candidate for candidate in free if candidate not in taken)
            taken.add(key)
        newer.add(key)
        distinct.append(structs.replace(record, run=key[2]))
    return distinct[::-1]
