"""Bundles: each module that a page starts with is stored together with all that it imports.

A page then waits for one file and not for fifty: docs/decisions/0020-bundles.md has the figures. The sources stay modules
that a browser or Node.js can load as they are, and tests do.
"""

from __future__ import annotations

import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

from annotate.env import ROOT

# The modules that pages name in a `<script type="module">`.
ENTRIES = (
    "js/api-docs.js",
    "js/exports.js",
    "js/file-drop.js",
    "js/labeling/main.js",
    "js/labeling/review-main.js",
    "js/pages.js",
    "js/review.js",
    "js/site.js",
)


class BundleError(RuntimeError):
    """A module cannot be bundled; the message is a sentence for the user."""


def is_part(name: str) -> bool:
    """Whether the file is a module that comes in bundles only."""
    return fnmatch(name, "js/*/*.js") and name not in ENTRIES


def bundle(source: Path, target: Path) -> None:
    """Bundle the entries among the collected files in `source`; `target`, an empty folder, gets them. Raises BundleError.

    Names stay as they were written, so that an error that a user reports can be read. Packages are files of their own, which
    pages load when they need them.
    """
    shutil.copytree(source / "js", target / "js")
    (target / "vendor").symlink_to(source / "vendor")
    for name in ENTRIES:
        _bundle(name, target)


def _bundle(name: str, folder: Path) -> None:
    # By itself: esbuild writes the paths of the packages as seen from the folder that all output goes to.
    command = [
        *(str(_esbuild()), name, f"--outfile={name}", "--allow-overwrite", "--bundle", "--external:./vendor/*"),
        *("--format=esm", "--minify-syntax", "--minify-whitespace", "--preserve-symlinks", "--log-level=error"),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        # The first line says what is wrong and the next where; the rest shows the place.
        raise BundleError(f"{name} cannot be bundled: {' '.join(done.stderr.split()[:40])}")


def _esbuild() -> Path:
    """The program of this platform, which needs no Node.js."""
    found = sorted((ROOT / "node_modules/@esbuild").glob("*/bin/esbuild")) + sorted(
        (ROOT / "node_modules/@esbuild").glob("*/esbuild.exe")
    )
    if not found:
        raise BundleError("esbuild is not installed: run `npm ci` in the project's folder.")
    return found[0]
