from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# A run says the same of the same tree. To look for more, `HYPOTHESIS_PROFILE=explore make test` draws other examples;
# the fast lane draws a fifth of them. None has a deadline: that would measure how busy the machine is.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", derandomize=False, deadline=None)
hypothesis.settings.register_profile("fast", derandomize=True, deadline=None, max_examples=20)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = [
    "tests.cast",
    "tests.database",
    "tests.estimation.model",
    "tests.lanes",
    "tests.processes",
    "tests.reasoner.serving",
    "tests.scoring.model",
    "tests.judging.model",
    "tests.world",
]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real rows of public sets. They are not the project's, so they stand beside it or not at all."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real rows are not there: {folder}")
    return folder
