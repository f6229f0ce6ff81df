"""Make the exports that the trainers read, with the product's own commands: `python -m tests.trainers.exports FOLDER`.

Each export is a folder with its file, manifest and card. `index.json` names the file and the rows of each.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.setting import a_database
from tests.trainers import corpora

# A name from which `datasets` would guess a split.
STEPS, PAIRS, DIALOGUES = "test-steps", "pairs", "dialogues"
SPLITS: dict[str, Any] = {"splits": {"train": 0.7, "validation": 0.15, "test": 0.15}}
PEOPLE: dict[str, Any] = {"sources": ["human"]}
CONVERSATIONAL: dict[str, Any] = {"prompts": "conversational"}

# The folder's name: the project, the format, the policy, the container.
EXPORTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "annotate": (STEPS, "annotate", {}, "jsonl"),
    "annotate-parquet": (STEPS, "annotate", {}, "parquet"),
    "prm800k": (STEPS, "prm800k", {}, "jsonl"),
    "processbench": (STEPS, "processbench", {}, "jsonl"),
    "verifier-sft": (STEPS, "verifier-sft", {}, "jsonl"),
    "verifier-sft-messages": (STEPS, "verifier-sft", CONVERSATIONAL, "jsonl"),
    "verifier-dpo": (STEPS, "verifier-dpo", {}, "jsonl"),
    "verifier-dpo-messages": (STEPS, "verifier-dpo", CONVERSATIONAL, "jsonl"),
    "verifier-dpo-llama-factory": (STEPS, "verifier-dpo", {"prompts": "llama_factory"}, "jsonl"),
    "verifier-dpo-ms-swift": (STEPS, "verifier-dpo", {"prompts": "ms_swift"}, "jsonl"),
    "verifier-rl": (STEPS, "verifier-rl", {}, "jsonl"),
    "trl-prm": (STEPS, "trl-prm", {}, "jsonl"),
    "trl-prm-parquet": (STEPS, "trl-prm", {}, "parquet"),
    "trl-prm-gzip": (STEPS, "trl-prm", {}, "jsonl.gz"),
    "trl-prm-zstd": (STEPS, "trl-prm", {}, "jsonl.zst"),
    "trl-prm-splits": (STEPS, "trl-prm", SPLITS, "jsonl"),
    "qwen-prm": (STEPS, "qwen-prm", {}, "jsonl"),
    "rlhflow-prm": (STEPS, "rlhflow-prm", {}, "jsonl"),
    "openrlhf-prm": (STEPS, "openrlhf-prm", {}, "jsonl"),
    "math-shepherd": (STEPS, "math-shepherd", {}, "jsonl"),
    "orm": (STEPS, "orm", {}, "jsonl"),
    "orm-messages": (STEPS, "orm", CONVERSATIONAL, "jsonl"),
    "reward-pairs": (PAIRS, "reward-pairs", {}, "jsonl"),
    "reward-pairs-parquet": (PAIRS, "reward-pairs", {}, "parquet"),
    "reward-pairs-messages": (DIALOGUES, "reward-pairs", CONVERSATIONAL, "jsonl"),
    "reward-pairs-answers": (STEPS, "reward-pairs", {"pairs": ["answers"]}, "jsonl"),
    "dpo": (PAIRS, "dpo", {}, "jsonl"),
    "dpo-messages": (DIALOGUES, "dpo", CONVERSATIONAL, "jsonl"),
    "dpo-llama-factory": (DIALOGUES, "dpo", {"prompts": "llama_factory"}, "jsonl"),
    "dpo-ms-swift": (DIALOGUES, "dpo", {"prompts": "ms_swift"}, "jsonl"),
    "step-dpo": (STEPS, "step-dpo", {}, "jsonl"),
    "step-dpo-messages": (STEPS, "step-dpo", CONVERSATIONAL, "jsonl"),
    "sft": (STEPS, "sft", {}, "jsonl"),
    "sft-messages": (STEPS, "sft", CONVERSATIONAL, "jsonl"),
    "verl": (STEPS, "verl", {}, "jsonl"),
    "verl-parquet": (STEPS, "verl", {}, "parquet"),
}


def main(folder: Path) -> None:
    with a_database():
        _import(folder / "rows")
        index = {name: _export(folder / name, *export) for name, export in EXPORTS.items()}
    (folder / "index.json").write_bytes(msgspec.json.format(msgspec.json.encode(index)))


def _import(folder: Path) -> None:
    folder.mkdir(parents=True)
    demo = Path(corpora.__file__).parents[2] / "apps" / "demo" / "data" / "problems.jsonl"
    files = {
        STEPS: [
            ("jsonl", demo),
            ("jsonl", corpora.write_rows(folder / "canonical.jsonl", corpora.canonical())),
            ("prm800k", corpora.write_rows(folder / "prm800k.jsonl", corpora.prm800k())),
            ("math-shepherd", corpora.write_rows(folder / "math_shepherd.jsonl", corpora.math_shepherd())),
        ],
        PAIRS: [("preference", corpora.write_rows(folder / "preferences.jsonl", corpora.preferences()))],
        DIALOGUES: [("preference", corpora.write_rows(folder / "dialogues.jsonl", corpora.dialogues()))],
    }
    for slug, imports in files.items():
        _command("create_project", slug)
        for format_, path in imports:
            options = ["--options", '{"margins": "large"}'] if path.stem == "preferences" else []
            counts = _command("import_corpus", str(path), "--project", slug, "--format", format_, *options)
            assert not counts["rejected"], f"{path.name}: {counts}"


def _export(folder: Path, project: str, format_: str, policy: dict[str, Any], container: str) -> dict[str, Any]:
    """As a user makes a folder for a trainer: the parts, the manifest and the card."""
    policy_file = folder.parent / "rows" / f"{folder.name}.policy"
    policy_file.write_bytes(msgspec.json.encode(policy))
    made = ["--project", project, "--format", format_, "--policy", str(policy_file), "--container", container]
    result = _command("export", *made, "--output", str(folder))
    assert result["rows"], folder.name
    return {"format": format_, "rows": result["rows"], "files": [Path(file).name for file in result["files"]]}


def _command(*arguments: str) -> dict[str, Any]:
    from django.core.management import call_command

    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    result: dict[str, Any] = msgspec.json.decode(out.getvalue().splitlines()[-1])
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
