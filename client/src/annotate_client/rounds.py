"""Rounds of human labeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from annotate_client.rows import Rows, StepLabel
from annotate_client.transport import Transport


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """`submitted` of the `slots`: submissions of those that the round needs."""

    status: str
    submitted: int
    slots: int
    tasks: int

    @property
    def share(self) -> float:
        return self.submitted / self.slots if self.slots else 0.0


class Round:
    """`info` is the row as the API returned it last."""

    def __init__(self, transport: Transport, slug: str, info: Mapping[str, Any]) -> None:
        self.transport = transport
        self.slug = slug
        self.info = dict(info)

    @property
    def number(self) -> int:
        return int(self.info["number"])

    @property
    def path(self) -> str:
        return f"/projects/{self.slug}/rounds/{self.number}"

    def refresh(self) -> Self:
        self.info = self.transport.get(self.path)
        return self

    def progress(self) -> RoundProgress:
        """How far it is now."""
        info = self.refresh().info
        return RoundProgress(info["status"], info["submitted"], info["slots"], info["tasks"])

    def preview(self) -> dict[str, Any]:
        """What a draft would be if it opened now."""
        preview: dict[str, Any] = self.transport.get(f"{self.path}/preview")
        return preview

    def open(self) -> Self:
        """Open a draft, or reopen the round."""
        return self._act("open")

    def pause(self) -> Self:
        return self._act("pause")

    def close(self) -> Self:
        return self._act("close")

    def update(self, **settings: Any) -> Self:
        """Change settings of a draft, or of a round under way those that do no harm."""
        self.info = self.transport.request("PATCH", self.path, json=settings, is_repeatable=True)
        return self

    def delete(self) -> None:
        """Discard a draft, or delete a round in which nothing was submitted."""
        self.transport.request("DELETE", self.path)

    def labels(self) -> Rows[StepLabel]:
        """The ratings that labelers submitted in this round."""
        path, params = f"/projects/{self.slug}/step-labels", {"round": self.number}
        return Rows(lambda: self.transport.pages(path, params))

    def _act(self, verb: str) -> Self:
        self.info = self.transport.post(f"{self.path}/{verb}")
        return self

    def __repr__(self) -> str:
        return f"<Round {self.number} of {self.slug}: {self.info.get('status', '')}>"
