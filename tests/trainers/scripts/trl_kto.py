"""TRL's KTOTrainer over `orm`, and over pairs, which it does not learn from: trl_kto.py FILE PAIRS"""

from __future__ import annotations

import sys
from typing import Any

from datasets import Dataset, load_dataset
from tiny import END, make_model, make_tokenizer, report, rows_of, settings, texts_in, train, versions
from trl import KTOConfig, KTOTrainer

BATCH = 8


def main(path: str, pairs: str) -> None:
    rows = rows_of(path)
    tokenizer = make_tokenizer(texts_in([rows, rows_of(pairs)]))
    whole = trainer_of(tokenizer, loaded(path), max_length=None)
    default = trainer_of(tokenizer, loaded(path))
    from_pairs = trainer_of(tokenizer, loaded(pairs), max_length=None)
    report(
        versions=versions("trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(whole.train_dataset),
        used_at_default_length=len(default.train_dataset),
        prompts_over_default_length=sum(len(row["prompt_ids"]) >= 1024 for row in whole.train_dataset),
        label_types=sorted({type(row["label"]).__name__ for row in rows}),
        empty_completions=sum(not row["completion"] for row in rows),
        misplaced=sum(
            tokenizer.decode(made["prompt_ids"]) != row["prompt"]
            or tokenizer.decode(made["completion_ids"]) != row["completion"] + END
            or made["label"] != row["label"]
            for row, made in zip(rows, whole.train_dataset, strict=True)
        ),
        batches_of_one_class=batches_of_one_class(whole),
        batches_of_one_class_from_pairs=batches_of_one_class(from_pairs),
        batches_from_pairs=len(from_pairs.train_dataset) // BATCH,
        loss=train(whole),
    )


def batches_of_one_class(trainer: KTOTrainer) -> int:
    """Of the batches that the trainer's own loader makes."""
    batches = [batch["label"] for batch in trainer.get_train_dataloader()]
    return sum(len(labels) == BATCH and len(set(map(bool, labels))) == 1 for labels in batches)


def loaded(path: str) -> Dataset:
    return load_dataset("json", data_files=path, split="train")


def trainer_of(tokenizer: Any, data: Dataset, **more: Any) -> KTOTrainer:
    return KTOTrainer(
        model=make_model(tokenizer, "causal"),
        ref_model=make_model(tokenizer, "causal"),
        args=KTOConfig(**settings(max_steps=15, learning_rate=1e-3, per_device_train_batch_size=BATCH, **more)),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )


main(*sys.argv[1:])
