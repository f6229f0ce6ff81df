"""Copies of an export's files outside the project's storage: one file at a path, or a folder of all files.

A file gets its name when it is complete, so that an interrupted copy leaves no half file.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from apps.core.errors import DomainError
from apps.exports.description.card import dataset_card
from apps.exports.description.manifest import Manifest, combined_sha256, with_parts
from apps.exports.files.storage import CARD, MANIFEST, part_path
from apps.exports.files.writers import CONTAINERS, ROW_GROUP, Part
from apps.exports.models import Export


@dataclass(frozen=True, slots=True)
class Output:
    """The files that were written. `advice` says how to load them where their folder has the card of something else."""

    parts: Sequence[Part]
    files: Sequence[Path]
    advice: str = ""

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def sha256(self) -> str:
        return combined_sha256([part.sha256 for part in self.parts])


def container_of(path: Path) -> str | None:
    """The container that the path's ending names, or None."""
    # Longest first, since .jsonl.gz is more specific than .gz would be.
    return next((name for name in sorted(CONTAINERS, key=len, reverse=True) if path.name.endswith(f".{name}")), None)


def check_folder(folder: Path) -> None:
    """Raises DomainError unless the folder can take an export: it is new, empty, or holds an earlier export alone."""
    if not folder.absolute().parent.is_dir():
        raise DomainError(f"There is no folder {folder.absolute().parent}.", fields={"output": "no such folder"})
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DomainError(f"{folder} is a file, and its ending names no container.", fields={"output": "not a folder"})
    export_names = {CARD, MANIFEST, *_part_names(folder)} if _part_names(folder) else set()
    if other := sorted(path.name for path in folder.iterdir() if path.name not in export_names):
        raise DomainError(
            f"The folder {folder} holds other files, such as {other[0]}: name a new or an empty folder.",
            fields={"output": "holds other files"},
        )


def write_folder(export: Export, folder: Path) -> Output:
    """Write all files, the manifest and the dataset card into the folder, in place of an earlier export's."""
    check_folder(folder)
    folder.mkdir(exist_ok=True)
    earlier = _part_names(folder)
    # Without a card, nobody takes a folder for complete while its files are replaced.
    (folder / CARD).unlink(missing_ok=True)
    parts = [_part(values) for values in export.parts]
    files = [folder / part.name for part in parts]
    for index, file in enumerate(files):
        with _draft(file) as draft:
            shutil.copyfile(part_path(export, index), draft)
    for name in earlier - {part.name for part in parts}:
        (folder / name).unlink(missing_ok=True)
    _describe(folder / MANIFEST, folder / CARD, export.manifest or {})
    return Output(parts, files)


def write_file(export: Export, path: Path) -> Output:
    """Write the file, or one for each split with the split's name before the ending; of several parts, one file.

    The manifest and the card stand beside it as manifest.json and README.md, unless the folder has those of something else.
    """
    splits: dict[str, list[int]] = {}
    for index, part in enumerate((export.manifest or {})["parts"]):
        splits.setdefault(part["split"], []).append(index)
    names = _file_names(path, list(splits) if export.policy["splits"] else [""])
    files = [path.with_name(name) for name in names]
    parts = [_join(export, indexes, file) for indexes, file in zip(splits.values(), files, strict=True)]
    manifest = with_parts(export.manifest or {}, parts)
    if _may_describe(path.absolute().parent, set(names)):
        _describe(path.with_name(MANIFEST), path.with_name(CARD), manifest)
        return Output(parts, files)
    # No word of these names is a split or the ending of a data file: `datasets` would read them as data.
    stem = f"export-{export.sha256[:12]}"
    _describe(path.with_name(f"{stem}.manifest"), path.with_name(f"{stem}.md"), manifest)
    return Output(parts, files, _advice(export.container, dict(zip(splits, files, strict=True)), stem))


def _file_names(path: Path, splits: Sequence[str]) -> list[str]:
    container = container_of(path)
    stem = path.name.removesuffix(f".{container}")
    return [f"{stem}{split and '-'}{split}.{container}" for split in splits]


def _join(export: Export, indexes: Sequence[int], file: Path) -> Part:
    """Copy the parts into one file. JSON Lines, gzip and zstd are joined as they are; Parquet by its rows."""
    sources = [part_path(export, index) for index in indexes]
    with _draft(file) as draft:
        if export.container == "parquet" and len(sources) > 1:
            _join_parquet(sources, draft)
        else:
            with draft.open("wb") as target:
                for source in sources:
                    with source.open("rb") as content:
                        shutil.copyfileobj(content, target, 1024 * 1024)
        with draft.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = draft.stat().st_size
    return Part(file.name, sum(export.parts[index]["rows"] for index in indexes), size, digest)


def _join_parquet(sources: Sequence[Path], target: Path) -> None:
    with pq.ParquetWriter(target, pq.read_schema(sources[0]), compression="zstd") as writer:
        for source in sources:
            for batch in pq.ParquetFile(source).iter_batches(batch_size=ROW_GROUP):
                writer.write_batch(batch)


def _may_describe(folder: Path, names: set[str]) -> bool:
    """Whether the folder has no card and no manifest, or those of an earlier export of the same files."""
    if not (folder / CARD).exists() and not (folder / MANIFEST).exists():
        return True
    return _part_names(folder) == names


def _part_names(folder: Path) -> set[str]:
    """The names of the files that the folder's manifest lists; empty if it has none of ours."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
        return {str(part["name"]) for part in manifest["parts"] if manifest["annotate"]}
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return set()


def _describe(manifest_path: Path, card_path: Path, manifest: Manifest) -> None:
    with _draft(manifest_path) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    with _draft(card_path) as draft:
        draft.write_text(dataset_card(manifest), encoding="utf-8")


def _advice(container: str, files: dict[str, Path], stem: str) -> str:
    builder = "parquet" if container == "parquet" else "json"
    named = msgspec.json.encode({split: str(file.absolute()) for split, file in files.items()}).decode()
    return (
        f"The folder has a card or a manifest of something else, so these are {stem}.md and {stem}.manifest. "
        f'Load the file with load_dataset("{builder}", data_files={named}), or export into a folder of its own.'
    )


def _part(values: dict[str, Any]) -> Part:
    return Part(**{name: values[name] for name in ("name", "rows", "bytes", "sha256")})


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` at the end. After an error nothing has changed."""
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
