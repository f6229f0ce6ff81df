"""Exports: training files, downloaded whole or not at all."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from annotate_client.errors import ChecksumMismatch, ConnectionFailed, InvalidInput
from annotate_client.jobs import Job
from annotate_client.progress import Bar

if TYPE_CHECKING:
    import datasets
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ExportFile:
    """`rows` is None for the card and the manifest."""

    name: str
    rows: int | None
    bytes: int
    sha256: str


class Export(Job):
    route, title = "exports", "Export"

    @property
    def rows(self) -> int:
        return int(self.info["rows"])

    @property
    def manifest(self) -> dict[str, Any]:
        """The policy, the counts, and what made no row and why."""
        manifest: dict[str, Any] = self.info["manifest"]
        return manifest

    def files(self) -> list[ExportFile]:
        """The card, the manifest and the data files."""
        rows = self.transport.get(f"{self.path}/files")
        # A name becomes a path here: nothing but its last part does.
        return [ExportFile(Path(row["name"]).name, row["rows"], row["bytes"], row["sha256"]) for row in rows]

    def data_files(self) -> list[ExportFile]:
        return [file for file in self.files() if file.rows is not None]

    def download(self, path: str | Path) -> Path:
        """Download the one data file to this path. Raises InvalidInput if there are several, ChecksumMismatch."""
        files = self.data_files()
        if len(files) != 1:
            names = ", ".join(file.name for file in files[:5])
            message = f"The export has {len(files)} data files ({names}): use download_all(folder)."
            raise InvalidInput(message, code="several_files")
        return self._download(files[0], Path(path))

    def download_all(self, folder: str | Path) -> list[Path]:
        """Download the card, the manifest and all data files into this folder, which `load_dataset` can load."""
        return [self._download(file, Path(folder) / file.name) for file in self.files()]

    def to_dataset(self) -> datasets.Dataset:
        """All data files as one dataset in memory."""
        import datasets

        with tempfile.TemporaryDirectory() as folder:
            paths = [str(self._download(file, Path(folder) / file.name)) for file in self.data_files()]
            read = datasets.Dataset.from_parquet if paths[0].endswith(".parquet") else datasets.Dataset.from_json
            dataset: datasets.Dataset = read(paths, cache_dir=folder, keep_in_memory=True)
            return dataset

    def to_pandas(self) -> pd.DataFrame:
        """All data files as one frame."""
        import pandas as pd

        with tempfile.TemporaryDirectory() as folder:
            paths = [self._download(file, Path(folder) / file.name) for file in self.data_files()]
            # Otherwise pandas makes the text "007" the number 7, and before version 3 "2024" in a column `date` a time.
            as_written: dict[str, Any] = {"dtype": False, "precise_float": True}
            if int(pd.__version__.partition(".")[0]) < 3:
                as_written["convert_dates"] = False
            frames = [
                pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_json(path, lines=True, **as_written)
                for path in paths
            ]
            return pd.concat(frames, ignore_index=True)

    def _download(self, file: ExportFile, path: Path) -> Path:
        """Into a file beside it, which takes its place once the checksum is right."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        try:
            digest = self._fetch(file, beside)
            if digest != file.sha256:
                message = f"{file.name} has the checksum {digest}, and the export says {file.sha256}."
                raise ChecksumMismatch(message, code="checksum")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return path

    def _fetch(self, file: ExportFile, path: Path) -> str:
        """The SHA-256 of what is written. A connection that breaks goes on where it broke."""
        digest, retries = hashlib.sha256(), self.transport.retries
        bar = Bar(file.name, is_shown=self.progress)
        attempt = received = 0
        with path.open("wb") as output:
            while True:
                headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
                if received:
                    headers |= {"Range": f"bytes={received}-", "If-Range": f'"{file.sha256}"'}
                try:
                    with self.transport.stream(f"{self.path}/files/{file.name}", headers) as response:
                        if response.status_code != 206 and received:  # The whole file again.
                            output.seek(0)
                            output.truncate()
                            digest, received = hashlib.sha256(), 0
                        for block in response.iter_raw():
                            output.write(block)
                            digest.update(block)
                            received += len(block)
                            attempt = 0
                            bar.show(received, file.bytes, "bytes")
                except httpx.TransportError as error:
                    attempt += 1
                    wait = retries.wait(attempt, None)
                    if wait is None:
                        raise ConnectionFailed(f"The download of {file.name} broke: {error}") from error
                    time.sleep(wait)
                else:
                    bar.close(received, file.bytes, "bytes")
                    return digest.hexdigest()
