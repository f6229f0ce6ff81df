"""Work that takes longer than a request: a row with a status, which is read until it has ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from annotate_client.errors import JobFailed, JobPaused, WaitTimeout
from annotate_client.progress import Bar
from annotate_client.transport import Transport

ENDED = ("finished", "failed", "cancelled")
FIRST_LOOK_S, LAST_LOOK_S = 0.1, 2.0


class Job:
    """`info` is the row as the API returned it last."""

    route: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, transport: Transport, info: Mapping[str, Any], *, progress: bool | None = None) -> None:
        self.transport = transport
        self.info = dict(info)
        self.progress = progress

    @property
    def id(self) -> int:
        return int(self.info["id"])

    @property
    def path(self) -> str:
        return f"/{self.route}/{self.id}"

    @property
    def status(self) -> str:
        return str(self.info["status"])

    @property
    def done(self) -> int:
        return int(self.info.get("done") or 0)

    @property
    def total(self) -> int | None:
        total = self.info.get("total")
        return None if total is None else int(total)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    def refresh(self) -> Self:
        """Read the row again."""
        self.info = self.transport.get(self.path)
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until it has finished. Raises JobFailed, JobPaused, or WaitTimeout after so many seconds."""
        bar, look = Bar(f"{self.title} {self.id}", is_shown=self.progress), FIRST_LOOK_S
        deadline = None if timeout is None else time.monotonic() + timeout
        self.refresh()
        while not (self.has_ended or self.status == "paused"):
            bar.show(self.done, self.total, self.status)
            if deadline is not None and time.monotonic() > deadline:
                raise WaitTimeout(f"{self.title} {self.id} is {self.status} after {timeout:g} s.", code="timeout")
            time.sleep(look)
            look = min(LAST_LOOK_S, look * 1.3)
            self.refresh()
        bar.close(self.done, self.total, self.status)
        if self.status == "paused":
            raise JobPaused(self._sentence("is paused"), info=self.info)
        if self.status != "finished":
            raise JobFailed(
                self._sentence(f"has {self.status}" if self.status == "failed" else "was cancelled"), info=self.info
            )
        return self

    def cancel(self) -> Self:
        """Cancel it for good. What is stored stays."""
        self.info = self.transport.post(f"{self.path}/cancel", is_repeatable=True)
        return self

    def delete(self) -> None:
        """Delete it, where nothing holds it: otherwise Conflict says what does."""
        self.transport.request("DELETE", self.path)

    def _sentence(self, what: str) -> str:
        reason = self.info.get("error") or " ".join(self.info.get("notices") or [])
        return f"{self.title} {self.id} {what}{f': {reason}' if reason else '.'}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {self.status}>"


class Run(Job):
    """An estimation, sampling, scoring or judge run."""

    title = "Run"

    def __init__(
        self, transport: Transport, info: Mapping[str, Any], *, route: str, progress: bool | None = None
    ) -> None:
        super().__init__(transport, info, progress=progress)
        self._route = route

    @property
    def path(self) -> str:
        return f"/{self._route}/{self.id}"

    @property
    def number(self) -> int:
        """By which lists and policies name it."""
        return int(self.info["number"])

    def pause(self) -> Self:
        """Pause it: what has been started is completed, and nothing else is started."""
        self.info = self.transport.post(f"{self.path}/pause")
        return self

    def resume(self, budget: Mapping[str, float] | None = None) -> Self:
        """Resume a paused or failed run, with a new budget if one is given."""
        self.info = self.transport.post(f"{self.path}/resume", {"budget": dict(budget)} if budget else {})
        return self


class Evaluation(Job):
    route, title = "evaluations", "Evaluation"

    @property
    def result(self) -> dict[str, Any] | None:
        """The figures; None until it has finished."""
        result: dict[str, Any] | None = self.info.get("result")
        return result
