"""ms-swift's `swift rlhf` and `swift sft` over pairs and conversations: ms_swift.py JSON

JSON maps a name to {"file", "task", "columns"}; the task is sft or an `rlhf_type`, `columns` is what `--columns` gets.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from swift import RLHFArguments, SftArguments, rlhf_main, sft_main
from swift.dataset import load_dataset
from tiny import make_model, make_tokenizer, report, rows_of, texts_in, versions


def main(tasks: dict[str, dict[str, Any]]) -> None:
    tokenizer = make_tokenizer(texts_in([rows_of(task["file"]) for task in tasks.values()]))
    tokenizer.save_pretrained("base")
    make_model(tokenizer, "causal").save_pretrained("base")
    report(
        versions=versions("ms-swift", "trl", "transformers", "datasets"),
        tasks={name: outcome_of(name, task) for name, task in tasks.items()},
    )


def outcome_of(name: str, task: dict[str, Any]) -> dict[str, Any]:
    rows = rows_of(task["file"])
    made, _ = load_dataset(task["file"], columns=task["columns"], strict=False)
    facts = {"rows": len(rows), "used": len(made or ()), "columns": made.column_names if made else []}
    try:
        if task["task"] == "sft":
            sft_main(SftArguments(**settings(name, task)))
        else:
            rlhf_main(RLHFArguments(rlhf_type=task["task"], **settings(name, task)))
    except Exception as error:
        return facts | {"error": f"{type(error).__name__}: {error}"[:400]}
    log = next(Path(name).glob("**/logging.jsonl")).read_text().splitlines()
    return facts | {
        "losses": [step["loss"] for step in map(json.loads, log) if "loss" in step],
        "row": {key: made[0][key] for key in made.column_names},
    }


def settings(name: str, task: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "base",
        "model_type": "qwen2",
        "template": "chatml",
        "dataset": [task["file"]],
        "columns": task["columns"],
        "tuner_type": "full",
        "torch_dtype": "float32",
        "attn_impl": "sdpa",
        "max_length": 4096,
        "output_dir": name,
        "per_device_train_batch_size": 8,
        "max_steps": 12,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "bf16": False,
        "fp16": False,
        "dataset_num_proc": 1,
        "seed": 1,
    }


main(json.loads(sys.argv[1]))
