"""The manifest of an export, for programs: what was asked for, what was made of it, and the files. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apps.exports.description.balance import label_warnings, split_warnings
from apps.exports.description.features import features_of
from apps.exports.files.writers import Part
from apps.exports.formats.base import Format
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import with_column
from apps.exports.tally import Tally

SCHEMA = 2
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
    agreement: Mapping[str, Any] | None = None,
    contamination: Sequence[Mapping[str, Any]] = (),
    certificate: Mapping[str, Any] | None = None,
) -> Manifest:
    """The manifest. It holds no time: the same data and policy give the same manifest.

    `agreement` is what the project's quality pages say of its people: Krippendorff's alpha, or nothing.
    `contamination` are the lists of test problems whose problems were left out: name, SHA-256 and number of problems.
    `certificate` is that of the cascade among the policy's sources; the manifest adds how many solutions it labels.
    """
    named = labels_as_read(tally.labels, format_.label_names)
    written = [asdict(part) | {"split": _split(part.name, policy)} for part in parts]
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
            "labels_as_read": named,
            "sources": {source: count for source, count in sorted(tally.sources.items()) if count},
            **({"ratings": tally.ratings()} if format_.labels_steps else {}),
            "tokens": tally.lengths(),
            "left_out": dict(sorted(tally.left_out.items())),
        },
        "agreement": dict(agreement or {}),
        "contamination": list(contamination),
        "certificate": {**certificate, "solutions": tally.by_cascade} if certificate else {},
        "notices": [
            *tally.notices,
            *format_.notices(policy, tally),
            *(label_warnings(named) if format_.has_classes else ()),
            *split_warnings(_split_rows(written), policy.splits),
        ],
        "features": features_of(with_column(format_.schema(policy), policy)),
        "parts": written,
    }


def with_parts(manifest: Manifest, parts: Sequence[Part]) -> Manifest:
    """The same manifest for copies of the files: one part for each split, in the manifest's order of splits."""
    splits = list(dict.fromkeys(part["split"] for part in manifest["parts"]))
    named = [asdict(part) | {"split": split} for part, split in zip(parts, splits, strict=True)]
    return manifest | {"parts": named}


def combined_sha256(digests: Sequence[str]) -> str:
    """The digest of a single file; of several, the digest of their digests in order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _split_rows(parts: Sequence[Mapping[str, Any]]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for part in parts:
        rows[part["split"]] += part["rows"]
    return rows


def labels_as_read(labels: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    """The labels by the values that stand in the rows, such as true and false."""
    counts: dict[str, int] = {}
    for label, count in sorted(labels.items()):
        name = names.get(label, label)
        counts[name] = counts.get(name, 0) + count
    return counts


def _split(name: str, policy: LabelPolicy) -> str:
    """The split that `part_name` wrote into a file's name. Without splits, loaders call the whole of it `train`."""
    return name.rsplit("-", 3)[0] if policy.splits else "train"
