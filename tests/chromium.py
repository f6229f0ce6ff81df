"""The Chromium that the browser tests drive: the machine's own, else one that is installed here.

python tests/chromium.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """The path of a Chromium on this machine, or None."""
    if (own := os.environ.get("CHROMIUM")) and Path(own).exists():
        return own
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    with sync_playwright() as playwright:
        downloaded = playwright.chromium.executable_path
    return downloaded if Path(downloaded).exists() else None


def install() -> None:
    """From the system's packages where we may, else Playwright's own build."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("annotate: Installing Chromium ...", file=sys.stderr, flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        if subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, **quiet).returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    if not find():
        install()
    if not find():
        print(
            "annotate: no Chromium is here and none could be installed: the browser tests are skipped. "
            "Install one, or name it in CHROMIUM.",
            file=sys.stderr,
        )
