"""LLaMA-Factory's stages over pairs and judged answers: llama_factory.py JSON

JSON maps a name to {"file", "stage", "entry"}; the entry is the one of `dataset_info.json`, from the documentation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import absent

absent.pretend("torchaudio")

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from llamafactory.train.tuner import run_exp
from tiny import make_model, make_tokenizer, report, rows_of, texts_in, versions

# What each stage calls the tokens that it learns.
LEARNED = {"dpo": "chosen_labels", "rm": "chosen_labels", "kto": "labels", "sft": "labels"}


def main(tasks: dict[str, dict[str, Any]]) -> None:
    tokenizer = make_tokenizer(texts_in([rows_of(task["file"]) for task in tasks.values()]))
    tokenizer.save_pretrained("base")
    make_model(tokenizer, "causal").save_pretrained("base")
    Path("dataset_info.json").write_text(
        json.dumps({name: {"file_name": task["file"]} | task["entry"] for name, task in tasks.items()})
    )
    report(
        versions=versions("llamafactory", "trl", "transformers", "datasets"),
        tasks={name: outcome_of(name, task) for name, task in tasks.items()},
    )


def outcome_of(name: str, task: dict[str, Any]) -> dict[str, Any]:
    rows, data = rows_of(task["file"]), data_of(name, task["stage"])
    if isinstance(data, str):
        return {"rows": len(rows), "error": data}
    run_exp(settings(name, task["stage"]))
    log = [json.loads(line) for line in Path(name, "trainer_log.jsonl").read_text().splitlines()]
    return {
        "rows": len(rows),
        "used": len(data["rows"]),
        "longest": max(max(map(len, columns_of_ids(row))) for row in data["rows"]),
        "prompts": data["prompts"],
        "learned": data["learned"],
        "losses": [step["loss"] for step in log if "loss" in step],
    }


def data_of(name: str, stage: str) -> Any:
    """What the stage's own loader makes of the file, or its error."""
    model_args, data_args, training_args, _, _ = get_train_args(settings(name, stage))
    module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
    try:
        # Pairs are made in one way for both stages.
        kind = "rm" if stage == "dpo" else stage
        made = get_dataset(template, model_args, data_args, training_args, stage=kind, **module)["train_dataset"]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    rows, key = list(made), LEARNED[stage]
    inputs = key.replace("labels", "input_ids")
    decode = module["tokenizer"].decode
    learned = [decode([token for token in row[key] if token != -100]) for row in rows]
    prompts = [
        decode([token for token, label in zip(row[inputs], row[key], strict=True) if label == -100]) for row in rows
    ]
    return {"rows": rows, "learned": learned, "prompts": prompts}


def columns_of_ids(row: dict[str, Any]) -> list[list[int]]:
    return [value for key, value in row.items() if key.endswith("input_ids")]


def settings(name: str, stage: str) -> dict[str, Any]:
    return {
        "model_name_or_path": "base",
        "stage": stage,
        "do_train": True,
        "finetuning_type": "full",
        "dataset_dir": ".",
        "dataset": name,
        "template": "chatml",
        "cutoff_len": 4096,
        "output_dir": name,
        "overwrite_output_dir": True,
        "overwrite_cache": True,
        "per_device_train_batch_size": 8,
        "max_steps": 24,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "fp16": False,
        "seed": 1,
    }


main(json.loads(sys.argv[1]))
