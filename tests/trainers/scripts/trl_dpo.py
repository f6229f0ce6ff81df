"""TRL's DPOTrainer over `dpo` (or any file of pairs), as texts and as dialogues: trl_dpo.py FILE DIALOGUES"""

from __future__ import annotations

import sys
from typing import Any

from datasets import Dataset, load_dataset
from tiny import END, make_model, make_tokenizer, report, rows_of, settings, texts_in, train, versions
from trl import DPOConfig, DPOTrainer


def main(path: str, dialogues: str) -> None:
    rows, spoken = rows_of(path), rows_of(dialogues)
    tokenizer = make_tokenizer(texts_in([rows, spoken]))
    whole = trainer_of(tokenizer, loaded(path), max_length=None)
    default = trainer_of(tokenizer, loaded(path))
    in_turns = trainer_of(tokenizer, loaded(dialogues), max_length=None)
    report(
        versions=versions("trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(whole.train_dataset),
        rows_dialogues=len(spoken),
        used_dialogues=len(in_turns.train_dataset),
        used_at_default_length=len(default.train_dataset),
        prompts_over_default_length=sum(len(row["prompt_ids"]) >= 1024 for row in whole.train_dataset),
        equal_sides=sum(row["chosen"] == row["rejected"] for row in rows + spoken),
        misplaced=sum(
            tokenizer.decode(made["prompt_ids"]) != row["prompt"]
            or tokenizer.decode(made[f"{side}_ids"]) != row[side] + END
            for row, made in zip(rows, whole.train_dataset, strict=True)
            for side in ("chosen", "rejected")
        ),
        misplaced_dialogues=sum(
            not tokenizer.decode(made["prompt_ids"]).endswith("assistant\n")
            or not tokenizer.decode(made[f"{side}_ids"]).startswith(row[side][-1]["content"])
            for row, made in zip(spoken, in_turns.train_dataset, strict=True)
            for side in ("chosen", "rejected")
        ),
        loss=train(whole),
        loss_dialogues=train(in_turns),
    )


def loaded(path: str) -> Dataset:
    return load_dataset("json", data_files=path, split="train")


def trainer_of(tokenizer: Any, data: Dataset, **more: Any) -> DPOTrainer:
    return DPOTrainer(
        model=make_model(tokenizer, "causal"),
        ref_model=make_model(tokenizer, "causal"),
        args=DPOConfig(**settings(max_steps=15, learning_rate=1e-3, **more)),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )


main(*sys.argv[1:])
