"""Static files are collected when they have changed, not at every start."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from annotate.children import CannotRun
from annotate.env import ROOT

# Builds that no page loads: to compress them took longer than all the others.
UNUSED = ("katex.js", "*.mjs", "htmx.js", "htmx.amd.js", "htmx.cjs.js", "htmx.esm.js", "htmax-*.js", "*.d.ts", "*.md")
SOURCES = (
    "static",
    "node_modules/katex/dist",
    "node_modules/htmx.org/dist",
    "uv.lock",
    "annotate/settings.py",
    "annotate/assets.py",
)


def collect(home: Path) -> bool:
    """Collect, hash and compress the static files; false when they stand already. Raises CannotRun."""
    stamp = home / "static.stamp"
    now = fingerprint()
    if stamp.is_file() and stamp.read_text() == now:
        return False
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity", "0"]
    command += [f"--ignore={pattern}" for pattern in UNUSED]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, start_new_session=True)
    if done.returncode:
        why = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        raise CannotRun(f"The static files could not be collected in {home}. It says: {why}")
    stamp.write_text(now)
    return True


def fingerprint() -> str:
    """Changes when a source file comes, goes or is written."""
    files = (file for name in SOURCES for file in sorted([ROOT / name, *(ROOT / name).rglob("*")]) if file.is_file())
    known = hashlib.sha256()
    for file in files:
        stat = file.stat()
        known.update(f"{file.relative_to(ROOT)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return known.hexdigest()
