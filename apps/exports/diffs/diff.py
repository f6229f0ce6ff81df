"""What differs between two exports of one format: rows added, removed and changed, and labels that flipped. Pure.

Both files are read as streams. Digests of rows and labels go into temporary files, in buckets by the key; then one
bucket of both sides at a time is compared in memory. So memory holds 1/128 of the digests of both files.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from apps.exports.diffs.row_parts import RowParts

BUCKETS = 128
KINDS = ("flipped", "changed", "removed", "added")
EXAMPLES = 20  # Of each kind of difference, with their titles.
BUFFER = 16 * 1024  # Of each file; there are up to four for each bucket.

Entry = tuple[bytes, bytes, str, str, int, str]  # Key, content, title, source, position, label.


class RowDiff(msgspec.Struct):
    """Rows by key. A changed row has the same key and other content."""

    same: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0


class LabelDiff(msgspec.Struct):
    """Labels by row, source and step. A label flipped if the same step has another one.

    `flips` counts them by source and then as `before → after`, `by_position` by the step's position from 0. Labels of whole
    rows have no position.
    """

    same: int = 0
    added: int = 0
    removed: int = 0
    flipped: int = 0
    flips: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    by_position: Counter[int] = msgspec.field(default_factory=Counter)


class Example(msgspec.Struct):
    """One difference: the row's id or how it begins, and for a flip also the source, the position and both labels."""

    kind: str
    title: str
    source: str = ""
    position: int | None = None
    before: str = ""
    after: str = ""


class Diff(msgspec.Struct):
    rows: RowDiff = msgspec.field(default_factory=RowDiff)
    labels: LabelDiff = msgspec.field(default_factory=LabelDiff)
    examples: list[Example] = msgspec.field(default_factory=list)

    def example(self, example: Example) -> None:
        if sum(other.kind == example.kind for other in self.examples) < EXAMPLES:
            self.examples.append(example)

    @property
    def is_empty(self) -> bool:
        return not (self.rows.added or self.rows.removed or self.rows.changed)


def diff_rows(before: Iterable[RowParts], after: Iterable[RowParts], *, folder: str) -> Diff:
    """Compare two streams of rows; temporary files go into the folder."""
    diff = Diff()
    with _Buckets(folder) as rows, _Buckets(folder) as labels:
        for side, stream in enumerate((before, after)):
            for row in stream:
                rows.add(side, (row.key, row.content, row.title, "", 0, ""))
                for label in row.labels:
                    labels.add(side, (label.key, b"", row.title, label.source, label.position, label.label))
        for sides in rows.pairs():
            _compare_rows(*sides, diff)
        for sides in labels.pairs():
            _compare_labels(*sides, diff)
    diff.examples.sort(key=lambda example: (KINDS.index(example.kind), example.title, example.position or 0))
    return diff


def _compare_rows(before: Sequence[Entry], after: Sequence[Entry], diff: Diff) -> None:
    """Rows of one key are compared as sets of contents, each with its count."""
    counts = diff.rows
    titles = {entry[0]: entry[2] for entry in (*before, *after)}
    lefts, rights = _by_key(before, 1), _by_key(after, 1)
    for key, title in titles.items():
        before_contents, after_contents = lefts.get(key, Counter()), rights.get(key, Counter())
        same = (before_contents & after_contents).total()
        changed = min(before_contents.total(), after_contents.total()) - same
        removed, added = before_contents.total() - same - changed, after_contents.total() - same - changed
        counts.same += same
        counts.changed += changed
        counts.removed += removed
        counts.added += added
        for kind, count in (("changed", changed), ("removed", removed), ("added", added)):
            if count:
                diff.example(Example(kind, title))


def _compare_labels(before: Sequence[Entry], after: Sequence[Entry], diff: Diff) -> None:
    """Labels of one step are compared as sets: a step that several rows repeat counts once."""
    counts = diff.labels
    entries = {entry[0]: entry for entry in (*before, *after)}
    lefts, rights = _by_key(before, 5), _by_key(after, 5)
    for key, (_, _, title, source, position, _) in entries.items():
        before_labels, after_labels = set(lefts.get(key, ())), set(rights.get(key, ()))
        counts.same += len(before_labels & after_labels)
        old_labels, new_labels = sorted(before_labels - after_labels), sorted(after_labels - before_labels)
        for label, other in zip(old_labels, new_labels, strict=False):
            counts.flipped += 1
            counts.flips.setdefault(source, Counter())[f"{label} → {other}"] += 1
            if position >= 0:
                counts.by_position[position] += 1
            diff.example(Example("flipped", title, source, position if position >= 0 else None, label, other))
        counts.removed += max(len(old_labels) - len(new_labels), 0)
        counts.added += max(len(new_labels) - len(old_labels), 0)


def _by_key(entries: Iterable[Entry], column: int) -> Mapping[bytes, Counter[Any]]:
    values: defaultdict[bytes, Counter[Any]] = defaultdict(Counter)
    for entry in entries:
        values[entry[0]][entry[column]] += 1
    return values


class _Buckets:
    """The entries of two sides in temporary files, by the first byte of their key."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: dict[tuple[int, int], IO[bytes]] = {}
        self._encoder = msgspec.msgpack.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def add(self, side: int, entry: Entry) -> None:
        place = (side, entry[0][0] % BUCKETS)
        file = self._files.get(place)
        if file is None:
            file = self._files[place] = TemporaryFile(dir=self._folder, buffering=BUFFER)  # noqa: SIM115
        data = self._encoder.encode(entry)
        file.write(len(data).to_bytes(4) + data)

    def pairs(self) -> Iterator[tuple[list[Entry], list[Entry]]]:
        """The entries of both sides, a bucket at a time."""
        for bucket in range(BUCKETS):
            before, after = list(self._read((0, bucket))), list(self._read((1, bucket)))
            if before or after:
                yield before, after

    def _read(self, place: tuple[int, int]) -> Iterator[Entry]:
        file = self._files.get(place)
        if file is None:
            return
        file.seek(0)
        while head := file.read(4):
            yield msgspec.msgpack.decode(file.read(int.from_bytes(head)), type=Entry)


def manifest_diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Where the manifests differ: keys of the policy, and counts, each with both values."""
    return {
        "policy": _differing(before["policy"], after["policy"]),
        "counts": _differing(dict(_flat(before["counts"])), dict(_flat(after["counts"]))),
    }


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = dict.fromkeys([*before, *after])
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}


def _flat(counts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The counts with the names of their tables in front, such as `labels.1`."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
