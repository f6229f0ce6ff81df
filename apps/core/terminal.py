"""What the commands do at a terminal: ask for secrets, and show in one line how far a job is."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from threading import Event, Thread

from django.core.management.base import OutputWrapper
from django.db import DatabaseError, connection

from apps.core.errors import DomainError
from apps.core.jobs.model import Job

SECONDS_BETWEEN_LOOKS = 0.5
MOST_TRIES = 3


def ask_secret(label: str, *, field: str, option: str, repeat: bool = False) -> str:
    """Ask on the terminal for a secret, without showing it; with `repeat` twice, until both are the same.

    Raises DomainError naming `field` where nobody can answer. `option` says what to pass then.
    """
    if not sys.stdin.isatty():
        raise DomainError(f"There is no terminal to ask for it: pass {option}.", fields={field: "missing"})
    for _ in range(MOST_TRIES):
        try:
            secret = getpass(f"{label}: ")
            if not repeat or getpass(f"{label} again: ") == secret:
                return secret
        except EOFError as error:
            raise DomainError("No answer was given.", fields={field: "missing"}) from error
        sys.stderr.write("The two are not the same. Try again.\n")
    raise DomainError(f"The two were not the same {MOST_TRIES} times.", fields={field: "not repeated"})


class ProgressLine:
    """One line on standard error that is written over again. Where that is no terminal, nothing is written."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self.is_shown = bool(stream.isatty())

    def show(self, text: str) -> None:
        if self.is_shown:
            # A line that wraps could not be written over.
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{text[:width]}", ending="")
            self._stream.flush()

    def clear(self) -> None:
        self.show("")


@contextmanager
def watching(job: Job, line: ProgressLine, *, unit: str, counter: str = "done") -> Iterator[None]:
    """Show the progress of a job in the meantime, from its row, as the pages do.

    `counter` names the field that counts units, where `done` and `total` count something else.
    """
    if not line.is_shown:
        yield
        return
    is_over = Event()
    watch = Thread(target=_watch, args=(job, line, unit, counter, is_over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        is_over.set()
        watch.join()
        line.clear()


def _watch(job: Job, line: ProgressLine, unit: str, counter: str, is_over: Event) -> None:
    """Look at the row, in a thread with a connection of its own, until the job is over."""
    first, started = None, time.monotonic()
    try:
        while not is_over.wait(SECONDS_BETWEEN_LOOKS):
            row = type(job)._base_manager.filter(pk=job.pk).values_list("done", "total", counter).first()  # noqa: SLF001
            if row is not None:
                if first is None:
                    first, started = row, time.monotonic()
                since = (row[0] - first[0], row[2] - first[2])
                seconds = time.monotonic() - started
                text = progress_text(*row, unit=unit, since=since, seconds=seconds, is_counted_apart=counter != "done")
                line.show(text)
    except DatabaseError:
        line.clear()  # The command itself will say what is wrong with the database.
    finally:
        connection.close()


def progress_text(
    done: int,
    total: int | None,
    count: int,
    *,
    unit: str,
    since: tuple[int, int],
    seconds: float,
    is_counted_apart: bool = False,
) -> str:
    """Such as `1,200 of 5,000 solutions (24 %), 85 a second, 45 s left`.

    `is_counted_apart`: `done` and `total` are in another unit than `count`. `since` is what was added to `done`
    and to `count` in the `seconds` since the first look: a job may be resumed.
    """
    of_total = "" if total is None or is_counted_apart else f" of {total:,}"
    parts = [f"{count:,}{of_total} {unit}" + (f" ({min(100, 100 * done // total)} %)" if total else "")]
    if seconds > 0 and since[1] > 0:
        rate = since[1] / seconds
        parts.append(f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second")
    if total is not None and since[0] > 0 and done < total:
        parts.append(f"{duration_text((total - done) * seconds / since[0])} left")
    else:
        parts.append(f"for {duration_text(seconds)}")
    return ", ".join(parts)


def duration_text(seconds: float) -> str:
    """Such as `45 s`, `12 min` or `3 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
