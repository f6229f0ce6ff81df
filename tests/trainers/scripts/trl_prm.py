"""TRL 1.13.0's PRMTrainer, the last one, over a `trl-prm` file: trl_prm.py FILE"""

from __future__ import annotations

import sys
from typing import Any

from datasets import Dataset, load_dataset
from tiny import error_of, make_model, make_tokenizer, report, rows_of, settings, texts_in, train, versions
from trl.experimental.prm import PRMConfig, PRMTrainer


def main(path: str) -> None:
    rows = rows_of(path)
    tokenizer = make_tokenizer(texts_in(rows), extra=("<extra_0>",))
    data = load_dataset("json", data_files=path, split="train")
    whole = trainer_of(tokenizer, data, max_length=None)
    long = max(rows, key=lambda row: len(row["prompt"]))
    default = trainer_of(tokenizer, data)
    # What a row becomes whose prompt alone fills the default length.
    only_long = trainer_of(tokenizer, Dataset.from_list([long] * 8), max_steps=2)
    qwen = trainer_of(tokenizer, data, max_length=None, step_separator="<extra_0>")
    report(
        versions=versions("trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(whole.train_dataset),
        labels=sum(len(row["labels"]) for row in rows),
        label_types=sorted({type(label).__name__ for row in rows for label in row["labels"]}),
        labels_used=labels_in(whole.train_dataset),
        labels_at_default_length=labels_in(default.train_dataset),
        rows_over_default_length=sum(len(row["input_ids"]) > 1024 for row in whole.train_dataset),
        misplaced=misplaced(tokenizer, rows, whole.train_dataset, "\n"),
        misplaced_with_extra_token=misplaced(tokenizer, rows, qwen.train_dataset, "<extra_0>"),
        loss=train(whole),
        loss_of_long_rows=train(only_long),
        traps={
            "soft": tokenized(tokenizer, data[0] | {"labels": [0.75] * len(data[0]["labels"])}),
            "no_label": tokenized(tokenizer, data[0] | {"labels": [-100] * len(data[0]["labels"])}),
            "null": error_of(tokenized, tokenizer, data[0] | {"labels": [None] * len(data[0]["labels"])}),
            "fewer_labels": error_of(tokenized, tokenizer, data[0] | {"labels": data[0]["labels"][:-1]}),
        },
    )


def trainer_of(tokenizer: Any, data: Dataset, **more: Any) -> PRMTrainer:
    return PRMTrainer(
        model=make_model(tokenizer, "steps", num_labels=2),
        args=PRMConfig(**settings(**more)),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
    )


def labels_in(data: Dataset) -> int:
    return sum(label != -100 for row in data for label in row["labels"])


def misplaced(tokenizer: Any, rows: list[dict[str, Any]], data: Dataset, separator: str) -> int:
    """How many labels do not stand where, in the text that the model reads, the separator after their step ends."""
    wrong = 0
    for row, made in zip(rows, data, strict=True):
        places = [place for place, label in enumerate(made["labels"]) if label != -100]
        found = [tokenizer.decode(made["input_ids"][: place + 1]) for place in places]
        steps = row["completions"]
        ends = [row["prompt"] + "".join(step + separator for step in steps[: n + 1]) for n in range(len(steps))]
        values = [made["labels"][place] for place in places] == [int(label) for label in row["labels"]]
        wrong += sum(text != end for text, end in zip(found, ends, strict=True)) + (not values)
    return wrong


def tokenized(tokenizer: Any, row: dict[str, Any]) -> list[int]:
    made = PRMTrainer.tokenize_row(
        row,
        tokenizer,
        step_separator="\n",
        max_length=None,
        max_completion_length=None,
        train_on_last_step_only=False,
        is_eval=False,
    )
    return sorted(set(made["labels"]))


main(sys.argv[1])
