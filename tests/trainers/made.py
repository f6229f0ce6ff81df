"""The exports as the checks name them, and what "loss falls" means."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.trainers.environment import ROOT


@dataclass(frozen=True)
class Exports:
    folder: Path
    index: dict[str, Any]

    def file(self, name: str) -> str:
        (file,) = self.index[name]["files"]
        return str(self.folder / name / file)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.file(name)).read_text().splitlines()]

    def card(self, name: str) -> str:
        return (self.folder / name / "README.md").read_text()

    def manifest(self, name: str) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.folder / name / "manifest.json").read_text())
        return manifest

    def rows_above(self, name: str, tokens: int) -> int:
        """How many rows the card calls longer than that."""
        counted: int = self.manifest(name)["counts"]["tokens"]["above"][str(tokens)]
        return counted


def falls(losses: Sequence[float]) -> bool:
    """The last third of the steps costs less than the first third, on average."""
    third = len(losses) // 3
    return third > 0 and fmean(losses[-third:]) < fmean(losses[:third])


def documented_code(name: str, folder: Path) -> Path:
    """A file of code from the documentation, named in its first line, as a user would save it."""
    text = (ROOT / "docs" / "export-formats.md").read_text()
    (code,) = re.findall(rf"```python\n# {re.escape(name)}\n(.*?)```", text, re.DOTALL)
    path = folder / name
    path.write_text(code)
    return path
