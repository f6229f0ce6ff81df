"""A bar on the terminal while a job is waited for."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 24
PAINT_EVERY_S = 0.1


class Bar:
    """One line that is painted over; nothing where the output is no terminal, unless `is_shown` says so."""

    def __init__(self, title: str, *, is_shown: bool | None = None, output: TextIO | None = None) -> None:
        self.title = title
        self.output = output or sys.stderr
        self.is_shown = self.output.isatty() if is_shown is None else is_shown
        self.started_at = time.monotonic()
        self.painted_at = 0.0

    def show(self, done: int, total: int | None, status: str = "") -> None:
        if not self.is_shown or time.monotonic() - self.painted_at < PAINT_EVERY_S:
            return
        self.painted_at = time.monotonic()
        self._write(self.line(done, total, status))

    def line(self, done: int, total: int | None, status: str = "") -> str:
        seconds = int(time.monotonic() - self.started_at)
        if not total:
            return f"{self.title}: {done:,} {status} {seconds} s"
        share = min(1.0, done / total)
        filled = "█" * round(WIDTH * share)
        return f"{self.title}: {filled:░<{WIDTH}} {share:4.0%} {done:,} of {total:,} {status} {seconds} s"

    def close(self, done: int, total: int | None, status: str = "") -> None:
        if self.is_shown:
            self._write(self.line(done, total, status) + "\n")

    def _write(self, text: str) -> None:
        # The code clears what a longer line has left.
        self.output.write(f"\r{text}\x1b[K" if not text.endswith("\n") else f"\r{text[:-1]}\x1b[K\n")
        self.output.flush()
