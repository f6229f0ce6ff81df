from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# A run says the same of the same tree. To look for more, `HYPOTHESIS_PROFILE=explore make test` draws other examples.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("explore", derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["tests.cast", "tests.processes", "tests.world"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real rows of public sets. They are not the project's, so they stand beside it or not at all."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real rows are not there: {folder}")
    return folder
