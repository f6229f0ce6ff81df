"""Reading ahead: the next items are prepared in a thread while the current one is processed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


@contextmanager
def read_ahead(items: Iterable[T], *, most: int = 2) -> Iterator[Iterator[T]]:
    """Iterate over the same items, of which up to `most` are prepared ahead. Their errors are raised by the iteration.

    Useful where processing waits for a database and preparation needs none. Leaving the block ends the thread.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read_ahead")
    try:
        yield _prepared(thread, iter(items), most)
    finally:
        thread.shutdown(cancel_futures=True)


def _prepared(thread: ThreadPoolExecutor, source: Iterator[T], most: int) -> Iterator[T]:
    waiting = deque(thread.submit(next, source, _END) for _ in range(most))
    while (item := waiting.popleft().result()) is not _END:
        waiting.append(thread.submit(next, source, _END))
        yield item
