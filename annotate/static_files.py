"""Static files: stored under a name with their hash, and collected only when they have changed."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.storage import FileSystemStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from annotate.bundles import ENTRIES, bundle, is_part
from annotate.env import ROOT

# The languages that code is highlighted in.
LANGUAGES = re.findall(r"languages/[a-z]+\.min\.js", (ROOT / "static/js/shared/code.js").read_text())
# What pages load of each package: most have more builds, and compressing those took longer than compressing all else.
USED = {
    "vendor/highlight": ("core.min.js", *LANGUAGES),
    "vendor/htmx": ("htmx.min.js",),
    "vendor/katex": ("katex.min.js", "katex.min.css", "fonts/*"),
    "vendor/markdown-it": ("markdown-it.umd.min.js", "markdown-it.umd.min.js.map"),
    "vendor/swagger-ui": ("swagger-ui-bundle.js", "swagger-ui-bundle.js.map", "swagger-ui.css", "swagger-ui.css.map"),
}
SOURCES = (
    "static",
    "node_modules/@highlightjs/cdn-assets/es",
    "node_modules/htmx.org/dist",
    "node_modules/katex/dist",
    "node_modules/markdown-it/dist/browser",
    "node_modules/swagger-ui-dist",
    "uv.lock",
    "annotate/bundles.py",
    "annotate/settings.py",
    "annotate/static_files.py",
)

# How Django finds the imports in a module, which it keeps to itself.
IMPORTS = getattr(HashedFilesMixin, "_js_module_import_aggregation_patterns")[1]  # noqa: B009


class StaticFilesError(RuntimeError):
    """The static files cannot be collected; the message is a sentence for the user."""


class Finder(FileSystemFinder):
    """Finds our files, and those of packages that pages load."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for path, storage in super().list(ignore_patterns):
            if _is_used(getattr(storage, "prefix", None), path):
                yield path, storage


def _is_used(prefix: str | None, path: str) -> bool:
    return not prefix or any(fnmatch(path, pattern) for pattern in USED[prefix])


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Stores what pages start with as bundles, and every file under a name with its hash: browsers may keep it forever."""

    # A bundle names the packages that it loads when they are needed.
    patterns = (*HashedFilesMixin.patterns, *((name, IMPORTS) for name in ENTRIES))
    # A page that names a missing file is a bug to see in tests, not a 500 for a labeler.
    manifest_strict = False

    def post_process(self, paths: dict[str, Any], *, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """With the bundles in place of the modules."""
        with TemporaryDirectory() as folder:
            if not dry_run:
                bundle(Path(self.location), Path(folder))
                bundles = FileSystemStorage(location=folder)
                parts = [name for name in paths if is_part(name)]
                for name in parts:
                    self.delete(name)
                paths = {name: paths[name] for name in paths if name not in parts}
                paths |= {name: (bundles, name) for name in ENTRIES}
            yield from super().post_process(paths, dry_run=dry_run, **options)

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
