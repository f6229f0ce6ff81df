"""Static files: stored under a name with their hash, and collected only when they have changed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from annotate.env import ROOT

# Builds that no page loads: compressing them took longer than compressing all the others.
UNUSED = ("katex.js", "*.mjs", "htmx.js", "htmx.amd.js", "htmx.cjs.js", "htmx.esm.js", "htmax-*.js", "*.d.ts", "*.md")
SOURCES = (
    "static",
    "node_modules/katex/dist",
    "node_modules/htmx.org/dist",
    "uv.lock",
    "annotate/settings.py",
    "annotate/static_files.py",
)


class StaticFilesError(RuntimeError):
    """The static files cannot be collected; the message is a sentence for the user."""


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites the imports of our ES modules, which therefore need no bundler. Browsers may keep hashed files forever."""

    # One pass for each file in the longest chain of imports: a module's name changes with those that it imports.
    max_post_process_passes = 12

    # Ours only: an import in a vendor's comment must not be followed.
    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", getattr(HashedFilesMixin, "_js_module_import_aggregation_patterns")[1]),  # noqa: B009 - has no public name
    )
    # A page that names a missing file is a bug to see in tests, not a 500 for a labeler.
    manifest_strict = False

    def create_compressor(self, **options: Any) -> Compressor:
        """Fonts and source maps need no compressed copy either."""
        options["extensions"] = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "eot", "map", "ttf")
        return Compressor(**options)


def collect(home: Path) -> bool:
    """Collect, hash and compress the static files; returns False when they are up to date. Raises StaticFilesError."""
    stamp = home / "static.stamp"
    current = fingerprint()
    if stamp.is_file() and stamp.read_text() == current:
        return False
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity", "0"]
    command += [f"--ignore={pattern}" for pattern in UNUSED]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, start_new_session=True)
    if done.returncode:
        reason = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        raise StaticFilesError(f"The static files cannot be collected in {home}: {reason}")
    stamp.write_text(current)
    return True


def fingerprint() -> str:
    """Changes when a source file is added, removed or written."""
    files = (file for name in SOURCES for file in sorted([ROOT / name, *(ROOT / name).rglob("*")]) if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        digest.update(f"{file.relative_to(ROOT)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
