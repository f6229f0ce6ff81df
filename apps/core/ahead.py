"""Reading ahead: the next thing is made ready in a thread while the last one is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_END = object()


@contextmanager
def ahead(items: Iterable[T], *, most: int = 2) -> Iterator[Iterator[T]]:
    """The same items, of which up to `most` are waiting ready. What the making raises, the taking raises.

    It is worth it where the worker waits for a database, and the making needs none. Leaving the block
    ends the thread.
    """
    waiting: queue.Queue[object] = queue.Queue(most)
    left = threading.Event()

    def put(thing: object) -> None:
        while not left.is_set():
            try:
                waiting.put(thing, timeout=0.2)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if left.is_set():
                    return
            put(_END)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are taken
            put(_Raised(error))

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        left.set()
        thread.join()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _taken(waiting: queue.Queue[object]) -> Iterator[T]:
    while (item := waiting.get()) is not _END:
        if isinstance(item, _Raised):
            raise item.error
        yield item  # type: ignore[misc]
