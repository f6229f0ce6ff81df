from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["tests.cast", "tests.processes", "tests.world"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real rows of public sets. They are not the project's, so they stand beside it or not at all."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real rows are not there: {folder}")
    return folder
