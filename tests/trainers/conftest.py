"""The exports that all trainers read, made once, and what is asserted of each trainer.

These files are not tests of `make test`: they are named `check_*.py`, and `make test-trainers` runs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import ROOT
from tests.trainers.made import Exports


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Made anew in every run; ANNOTATE_TRAINERS_EXPORTS names a folder with those of an earlier one."""
    earlier = os.environ.get("ANNOTATE_TRAINERS_EXPORTS")
    folder = Path(earlier) if earlier else tmp_path_factory.mktemp("exports")
    if not (folder / "index.json").exists():
        subprocess.run([sys.executable, "-m", "tests.trainers.exports", str(folder)], cwd=ROOT, check=True)
    index: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return Exports(folder=folder, index=index)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the trainer's own for models, caches and logs."""
    return tmp_path_factory.mktemp("trainer")
