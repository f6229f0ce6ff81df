"""TRL's RewardTrainer over `reward-pairs`, as texts and as dialogues: trl_reward.py FILE DIALOGUES"""

from __future__ import annotations

import sys
from typing import Any

from datasets import Dataset, load_dataset
from tiny import END, error_of, make_model, make_tokenizer, report, rows_of, settings, texts_in, train, versions
from trl import RewardConfig, RewardTrainer


def main(path: str, dialogues: str) -> None:
    rows, spoken = rows_of(path), rows_of(dialogues)
    tokenizer = make_tokenizer(texts_in([rows, spoken]))
    whole = trainer_of(tokenizer, loaded(path), max_length=None)
    default = trainer_of(tokenizer, loaded(path))
    in_turns = trainer_of(tokenizer, loaded(dialogues), max_length=None)
    no_margin = Dataset.from_list([rows[0] | {"margin": None}, *rows[1:8]])
    report(
        versions=versions("trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(whole.train_dataset),
        rows_dialogues=len(spoken),
        used_dialogues=len(in_turns.train_dataset),
        used_at_default_length=len(default.train_dataset),
        rows_over_default_length=sum(longest(row) > 1024 for row in whole.train_dataset),
        margins=sorted({type(row["margin"]).__name__ for row in rows}),
        misplaced=sum(
            tokenizer.decode(made[f"{side}_ids"]) != row["prompt"] + row[side] + END
            for row, made in zip(rows, whole.train_dataset, strict=True)
            for side in ("chosen", "rejected")
        ),
        misplaced_dialogues=sum(
            tokenizer.decode(made[f"{side}_ids"])
            != tokenizer.apply_chat_template(row["prompt"] + row[side], tokenize=False)
            for row, made in zip(spoken, in_turns.train_dataset, strict=True)
            for side in ("chosen", "rejected")
        ),
        loss=train(whole),
        loss_dialogues=train(in_turns),
        traps={
            "null_margin": error_of(trainer_of(tokenizer, no_margin, max_length=None).train),
            "all_too_long": error_of(trainer_of, tokenizer, loaded(path).filter(lambda row: len(row["chosen"]) > 4096)),
        },
    )


def loaded(path: str) -> Dataset:
    return load_dataset("json", data_files=path, split="train")


def longest(row: dict[str, Any]) -> int:
    return max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def trainer_of(tokenizer: Any, data: Dataset, **more: Any) -> RewardTrainer:
    return RewardTrainer(
        model=make_model(tokenizer, "reward", num_labels=1),
        args=RewardConfig(**settings(max_steps=30, learning_rate=1e-3, **more)),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )


main(*sys.argv[1:])
