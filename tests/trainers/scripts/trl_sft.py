"""TRL's SFTTrainer over conversations and over prompts with completions: trl_sft.py NAME=FILE ..."""

from __future__ import annotations

import sys
from typing import Any

from datasets import load_dataset
from tiny import END, make_model, make_tokenizer, report, rows_of, settings, texts_in, train, versions
from trl import SFTConfig, SFTTrainer


def main(files: dict[str, str]) -> None:
    tokenizer = make_tokenizer(texts_in([rows_of(path) for path in files.values()]))
    report(
        versions=versions("trl", "transformers", "datasets"),
        files={name: outcome_of(tokenizer, path) for name, path in files.items()},
    )


def outcome_of(tokenizer: Any, path: str) -> dict[str, Any]:
    rows = rows_of(path)
    whole = trainer_of(tokenizer, path, max_length=None)
    default = trainer_of(tokenizer, path)
    return {
        "rows": len(rows),
        "used": len(whole.train_dataset),
        "used_at_default_length": len(default.train_dataset),
        "rows_over_default_length": sum(len(row["input_ids"]) > 1024 for row in whole.train_dataset),
        "cut_at_default_length": sum(len(row["input_ids"]) == 1024 for row in default.train_dataset),
        "misplaced": sum(
            learned_of(tokenizer, made) != replies_of(row) for row, made in zip(rows, whole.train_dataset, strict=True)
        ),
        "loss": train(whole),
    }


def learned_of(tokenizer: Any, made: dict[str, Any]) -> str:
    return tokenizer.decode([label for label in made["labels"] if label != -100])


def replies_of(row: dict[str, Any]) -> str:
    """What is to be learned: the replies, each with its end, and nothing of the questions."""
    if "messages" not in row:
        return row["completion"] + END
    return "".join(turn["content"] + END for turn in row["messages"] if turn["role"] == "assistant")


def trainer_of(tokenizer: Any, path: str, **more: Any) -> SFTTrainer:
    data = load_dataset("json", data_files=path, split="train")
    return SFTTrainer(
        model=make_model(tokenizer, "causal"),
        args=SFTConfig(**settings(max_steps=12, assistant_only_loss="messages" in data.column_names, **more)),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )


main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
