"""Reading ahead, and reading Zstandard."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from apps.core.readahead import read_ahead
from apps.core.zstd import ZstdError, ZstdFile


def test_items_come_in_order_and_only_so_many_are_made_ready() -> None:
    produced: list[int] = []

    def source() -> Iterator[int]:
        for number in range(20):
            produced.append(number)
            yield number

    with read_ahead(source(), most=2) as items:
        assert next(items) == 0
        assert len(produced) <= 3
        assert [*items] == [*range(1, 20)]


def test_what_the_making_raises_the_taking_raises() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("the file is damaged")

    with read_ahead(source()) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="damaged"):
            next(items)


def test_leaving_early_ends_the_thread() -> None:
    with read_ahead(iter(range(1000))) as items:
        next(items)
    assert not [one for one in threading.enumerate() if one.name.startswith("read_ahead")]


def test_zstandard_is_read_and_invalid_data_is_reported() -> None:
    packed = io.BytesIO()
    with ZstdFile(packed, "wb") as file:
        file.write(b"line\n" * 100_000)
    with ZstdFile(io.BytesIO(packed.getvalue())) as file:
        assert sum(1 for _ in file) == 100_000
    with pytest.raises((ZstdError, EOFError)), ZstdFile(io.BytesIO(packed.getvalue()[:-9])) as file:
        file.read()
    with pytest.raises(ZstdError), ZstdFile(io.BytesIO(b"not packed at all")) as file:
        file.read()
