"""axolotl's stepwise training through its command line: axolotl_prm.py FILE"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from axolotl.prompt_strategies.stepwise_supervised import load
from axolotl.utils.dict import DictDefault
from datasets import load_from_disk
from tiny import make_model, make_tokenizer, report, rows_of, texts_in, versions


def main(path: str) -> None:
    rows = rows_of(path)
    tokenizer = make_tokenizer(texts_in(rows))
    tokenizer.save_pretrained("base")
    make_model(tokenizer, "causal").save_pretrained("base")
    whole = train(path)
    short = [strategy(tokenizer, 1024).tokenize_prompt(row) for row in rows]
    fewer = rows[0] | {"labels": rows[0]["labels"][:-1]}
    unequal = strategy(tokenizer, 4096).tokenize_prompt(fewer)
    report(
        versions=versions("axolotl", "trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(whole["data"]),
        labels=sum(len(row["labels"]) for row in rows),
        labels_used=labels_in(whole["data"]),
        labels_at_1024=labels_in(short),
        misplaced=misplaced(tokenizer, rows, whole["data"]),
        losses=whole["losses"],
        traps={"fewer_labels": [len(unequal["input_ids"]), len(unequal["labels"])]},
    )


def strategy(tokenizer: Any, sequence_len: int) -> Any:
    return load(tokenizer, DictDefault(sequence_len=sequence_len), DictDefault(step_separator="\n"))


def train(path: str) -> dict[str, Any]:
    """The configuration of the documentation, and a small model."""
    config = {
        "base_model": str(Path("base").absolute()),
        "model_type": "AutoModelForTokenClassification",
        "num_labels": 2,
        "process_reward_model": True,
        "datasets": [
            {"path": path, "ds_type": "json", "type": "stepwise_supervised", "step_separator": "\n", "split": "train"}
        ],
        "sequence_len": 4096,
        "dataset_prepared_path": "prepared",
        "output_dir": "model",
        "micro_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "max_steps": 81,
        "num_epochs": 20,
        "learning_rate": 3e-3,
        "lr_scheduler": "constant",
        "optimizer": "adamw_torch",
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 81,
        "seed": 1,
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "flash_attention": False,
        "attn_implementation": "sdpa",
        "use_ray": False,
        "dataset_num_proc": 1,
        "dataset_processes": 1,
    }
    Path("stepwise.yml").write_text(yaml.safe_dump(config))
    subprocess.run([sys.executable, "-m", "axolotl.cli.train", "stepwise.yml"], check=True)
    (prepared,) = (folder for folder in Path("prepared").iterdir() if folder.is_dir())
    (state,) = Path("model").glob("**/trainer_state.json")
    history = json.loads(state.read_text())["log_history"]
    return {"data": load_from_disk(str(prepared)), "losses": [step["loss"] for step in history if "loss" in step]}


def labels_in(data: Any) -> int:
    return sum(label != -100 for row in data for label in row["labels"])


def misplaced(tokenizer: Any, rows: list[dict[str, Any]], data: Any) -> int:
    """Labels that do not stand at the end of their step; the rows may come in another order."""
    wanted = sorted(
        (row["prompt"] + "".join(f"{step}\n" for step in row["completions"][: n + 1]), int(label))
        for row in rows
        for n, label in enumerate(row["labels"])
    )
    found = sorted(
        (tokenizer.decode(row["input_ids"][: place + 1]), label)
        for row in data
        for place, label in enumerate(row["labels"])
        if label != -100
    )
    return sum(one != other for one, other in zip(wanted, found, strict=False)) + abs(len(wanted) - len(found))


main(sys.argv[1])
