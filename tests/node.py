"""The Node.js that comes with Playwright, for tests of JavaScript that needs no browser."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import playwright


def run(script: Path) -> str:
    """Returns what the script prints. Raises CalledProcessError when it fails."""
    node = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or Path(playwright.__file__).parent / "driver" / "node"
    return subprocess.run([node, script], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
