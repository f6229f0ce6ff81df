"""Reading ahead: the next thing is made ready in a thread while the last one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


@contextmanager
def ahead(items: Iterable[T], *, most: int = 2) -> Iterator[Iterator[T]]:
    """The same items, of which up to `most` are waiting ready. What the making raises, the taking raises.

    It is worth it where the worker waits for a database, and the making needs none. Leaving the block
    ends the thread.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
    try:
        yield _taken(thread, iter(items), most)
    finally:
        thread.shutdown(cancel_futures=True)


def _taken(thread: ThreadPoolExecutor, source: Iterator[T], most: int) -> Iterator[T]:
    waiting = deque(thread.submit(next, source, _END) for _ in range(most))
    while (item := waiting.popleft().result()) is not _END:
        waiting.append(thread.submit(next, source, _END))
        yield item
