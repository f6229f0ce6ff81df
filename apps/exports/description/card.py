"""The dataset card of an export: front matter for `datasets` and the Hub, then a page for people. Pure.

`load_dataset(folder)` reads files, splits and types from the front matter, and guesses nothing.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from apps.exports.description.manifest import Manifest
from apps.exports.formats.base import Reader
from apps.exports.policy import empty_text

_TIMES = (
    "`datasets` 5.2 rewrites a text column of JSON Lines in which every value is a date or a time without a fraction: an "
    "answer `2024-05-01` becomes `2024-05-01 00:00:00`. Parquet has no such column."
)
_LONG_ROWS = {
    "pairs": (
        "TRL's RewardTrainer removes rows above its `max_length` (1,024 by default), DPOTrainer removes those whose prompt "
        "fills it and cuts longer answers, OpenRLHF cuts at `max_len` (512 by default): each without a message."
    ),
    "steps": (
        "TRL's PRMTrainer (`max_length`, 1,024 by default) and axolotl (`sequence_len`) cut longer rows and lose the labels of "
        "the steps behind the cut, without a message."
    ),
    "other": "Trainers cut or drop rows above their limit, mostly without a message: set the limit above the longest row.",
}


def dataset_card(manifest: Manifest) -> str:
    """The card as Markdown, to be called README.md and to stand in the folder of the files."""
    sections = (
        _head(manifest),
        _section("Load", _loading(manifest)),
        _section("Readers", _readers(manifest["readers"])),
        _section("Files", _files(manifest["parts"])),
        _section("Labels", _labels(manifest)),
        _section("Length of rows", _lengths(manifest)),
        _section("Agreement", _agreement(manifest["agreement"])),
        _section("Certificate of machine labels", _certificate(manifest.get("certificate", {}))),
        _section("Left out", _left_out(manifest["counts"]["left_out"])),
        _section(
            "Policy", _table(("key", "value"), [(key, _shown(key, value)) for key, value in manifest["policy"].items()])
        ),
    )
    return "\n".join([f"---\n{_front_matter(manifest)}---\n", *(line for lines in sections for line in lines)])


def _front_matter(manifest: Manifest) -> str:
    """The YAML. It names no licence: that is for whoever owns the data to add."""
    files: dict[str, list[str]] = {}
    for part in manifest["parts"]:
        # The loader takes a name as a pattern.
        files.setdefault(part["split"], []).append(glob.escape(part["name"]))
    content = {
        "pretty_name": f"{manifest['project']}, {manifest['format']}",
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": names} for split, names in files.items()],
            }
        ],
        "dataset_info": {"config_name": "default", "features": manifest["features"]},
    }
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000))


def _head(manifest: Manifest) -> list[str]:
    counts = manifest["counts"]
    read = [f"{counts[kind]} {kind}" for kind in ("solutions", "comparisons") if counts[kind]] or ["0 solutions"]
    return [
        f"# {manifest['project']}, {manifest['format']}",
        "",
        (
            f"{counts['rows']} rows from {' and '.join(read)}, made by Annotate {manifest['annotate']}. The front matter "
            "names no licence: add one before you publish the data."
        ),
        "",
        *(line for notice in manifest["notices"] for line in (f"> {notice}", "")),
    ]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _loading(manifest: Manifest) -> list[str]:
    container = manifest["container"]
    zstd = ["", "Files in zstd need the package `zstandard`."] if container == "jsonl.zst" else []
    times = [] if container == "parquet" else ["", _TIMES]
    splits = ", ".join(dict.fromkeys(f"`{part['split']}`" for part in manifest["parts"]))
    return [
        "```python",
        "from datasets import load_dataset",
        "",
        'dataset = load_dataset("PATH_OF_THIS_FOLDER")',
        "```",
        "",
        f"Splits: {splits}. Files, splits and types are those of the front matter above: keep this file beside them.",
        *zstd,
        *times,
    ]


def _readers(readers: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for values in readers:
        reader = Reader(**values)
        lines += [f"### {reader.name} {reader.versions}".rstrip(), "", f"{reader.purpose}.", ""]
        lines += [reader.usage.strip(), ""] if reader.usage else []
    return lines[:-1]


def _files(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = ("name", "split", "rows", "bytes", "sha256")
    return _table(
        ("file", "split", "rows", "bytes", "SHA-256"), [tuple(part[name] for name in columns) for part in parts]
    )


def _labels(manifest: Manifest) -> list[str]:
    counts = manifest["counts"]
    as_read = counts["labels_as_read"]
    total = sum(as_read.values()) or 1
    shares = [(f"`{label}`", count, f"{100 * count / total:.1f} %") for label, count in as_read.items()]
    return [
        "As a trainer reads them:",
        "",
        *_table(("label", "count", "share"), shares),
        "",
        *_table(("source", "labelings"), list(counts["sources"].items())),
        *_sentence(counts.get("ratings")),
    ]


def _sentence(ratings: Mapping[str, int] | None) -> list[str]:
    """The counts of ratings as a sentence; empty for formats without step labels."""
    if ratings is None:
        return []
    return [
        "",
        (
            f"Of {ratings['read']} ratings by the policy's sources, {ratings['written']} are in the rows and "
            f"{ratings['left_out']} are left out. The rows repeat {ratings['repeated']} labels of steps before an "
            f"alternative, and contain {ratings['made']} labels that only the policy makes negative."
        ),
    ]


def _lengths(manifest: Manifest) -> list[str]:
    lengths, rows = manifest["counts"]["tokens"], manifest["counts"]["rows"]
    names = {feature["name"] for feature in manifest["features"]}
    kind = "pairs" if "chosen" in names else "steps" if "ratings" in manifest["counts"] else "other"
    above = [
        f"{count} of {rows} rows are longer than {int(limit):,} tokens" for limit, count in lengths["above"].items()
    ]
    return [
        (
            f"The longest row has about {lengths['longest']:,} tokens, at 4 characters a token; {', '.join(above)}. "
            f"{_LONG_ROWS[kind]}"
        )
    ]


def _agreement(agreement: Mapping[str, Any]) -> list[str]:
    """Krippendorff's alpha of the project's people, where it has been computed."""
    alpha = agreement.get("alpha_ordinal")
    if alpha is None:
        return []
    low, high = agreement.get("low"), agreement.get("high")
    interval = f" (95 % interval {low:.2f} to {high:.2f})" if low is not None and high is not None else ""
    return [
        (
            f"Krippendorff's alpha of the project's labelers, ordinal, over {agreement['solutions']} solutions that two or "
            f"more of them rated: {alpha:.2f}{interval}."
        )
    ]


def _certificate(certificate: Mapping[str, Any]) -> list[str]:
    """The promise of the cascade that labels solutions, and what it rests on; nothing without one."""
    if not certificate:
        return []
    machines = ", ".join([f"estimation run {certificate['estimation_run']}", *certificate["judges"]])
    return [
        certificate["promise"],
        "",
        (
            f"Cascade {certificate['cascade']} labels {certificate['solutions']:,} solutions of this export, and "
            f"{certificate['labels_by_machines']:,} of the {certificate['pool']:,} in its pool, where {machines} agree on the "
            f"first error and its posterior is at least {certificate['tau']:g}. The promise is of all that it labels: of a "
            "selection of them the share may differ."
        ),
        "",
        (
            f"It was chosen by people's labels of a random sample of {certificate['sample']:,} solutions, which saw no verdict "
            f"(round {certificate['round']}); the upper bound is {certificate['bound']:.2%}."
        ),
    ]


def _left_out(left_out: Mapping[str, int]) -> list[str]:
    return _table(("reason", "count"), list(left_out.items())) if left_out else ["Nothing."]


def _table(head: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _shown(key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or empty_text(key)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {share}" for name, share in value.items()) or empty_text(key)
    return str(value)
