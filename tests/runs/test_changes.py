"""What a flush of a run counts."""

from __future__ import annotations

from apps.runs.changes import first_of_each


def test_what_comes_twice_in_one_flush_is_taken_once_and_the_order_stays() -> None:
    records = [("a", 1), ("b", 2), ("a", 3), ("c", 4)]
    assert first_of_each(records, lambda record: record[0]) == [("a", 1), ("b", 2), ("c", 4)]
