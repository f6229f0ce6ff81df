"""The manifest of an export, for programs, and its dataset card, for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from apps.exports.formats.base import Format, Reader
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.exports.writers import Part

SCHEMA = 1
Manifest = dict[str, Any]


def build_manifest(
    *,
    version: str,
    project: str,
    format_: Format,
    container: str,
    policy: LabelPolicy,
    tally: Tally,
    parts: Sequence[Part],
) -> Manifest:
    """The manifest. It holds no time: the same data and policy give the same manifest."""
    return {
        "schema": SCHEMA,
        "annotate": version,
        "project": project,
        "format": format_.name,
        "readers": [asdict(reader) for reader in format_.readers],
        "container": container,
        "policy": policy.to_dict(),
        "counts": {
            "solutions": tally.solutions,
            "comparisons": tally.comparisons,
            "rows": tally.rows,
            "labels": dict(sorted(tally.labels.items())),
            "sources": {source: count for source, count in sorted(tally.sources.items()) if count},
            **({"ratings": tally.ratings()} if format_.labels_steps else {}),
            "left_out": dict(sorted(tally.left_out.items())),
        },
        "parts": [asdict(part) for part in parts],
    }


def with_part_names(manifest: Manifest, names: Sequence[str]) -> Manifest:
    """The same manifest with other file names."""
    return manifest | {"parts": [part | {"name": name} for part, name in zip(manifest["parts"], names, strict=True)]}


def dataset_card(manifest: Manifest) -> str:
    """The dataset card, in Markdown."""
    counts, policy = manifest["counts"], manifest["policy"]
    read = [f"{counts[kind]} {kind}" for kind in ("solutions", "comparisons") if counts[kind]] or ["0 solutions"]
    return "\n".join(
        [
            f"# {manifest['project']}, {manifest['format']}",
            "",
            f"{counts['rows']} rows from {' and '.join(read)}, made by Annotate {manifest['annotate']}.",
            f"Read by: {'; '.join(str(Reader(**reader)) for reader in manifest['readers'])}.",
            "",
            "## Files",
            "",
            *_table(("file", "rows", "bytes", "SHA-256"), [tuple(part.values()) for part in manifest["parts"]]),
            "",
            "## Labels",
            "",
            *_table(("label", "steps"), list(counts["labels"].items())),
            "",
            *_table(("source", "labelings"), list(counts["sources"].items())),
            "",
            *_sentences(counts.get("ratings")),
            "## Left out",
            "",
            *(_table(("reason", "count"), list(counts["left_out"].items())) if counts["left_out"] else ["Nothing."]),
            "",
            "## Policy",
            "",
            *_table(("key", "value"), [(name, _shown(value)) for name, value in policy.items()]),
            "",
        ]
    )


def _sentences(ratings: dict[str, int] | None) -> list[str]:
    """The counts of ratings as a sentence; empty for formats without step labels."""
    if ratings is None:
        return []
    sentence = (
        f"Of {ratings['read']} ratings by the policy's sources, {ratings['written']} are in the rows and "
        f"{ratings['left_out']} are left out. The rows repeat {ratings['repeated']} labels of steps before an "
        f"alternative, and contain {ratings['made']} labels that only the policy makes negative."
    )
    return [sentence, ""]


def _table(head: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(str(cell) for cell in line)} |" for line in lines]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "all"
    return (
        ", ".join(f"{name}: {share}" for name, share in value.items()) or "none"
        if isinstance(value, dict)
        else str(value)
    )
