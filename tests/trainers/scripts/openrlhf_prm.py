"""OpenRLHF 0.9.5's ProcessRewardDataset and PRMLoss over `openrlhf-prm`: openrlhf_prm.py FILE TAG

`train_prm` itself needs deepspeed and a GPU: the data set class, its collation and the loss run here, in a loop.
"""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace
from typing import Any

import absent

absent.pretend("deepspeed", "deepspeed.ops", "deepspeed.ops.adam", "flash_attn", "flash_attn.utils")
absent.pretend("flash_attn.utils.distributed", "flash_attn.bert_padding")

import torch
from datasets import Dataset, load_dataset
from openrlhf.datasets.process_reward_dataset import ProcessRewardDataset
from openrlhf.models.loss import PRMLoss
from tiny import error_of, make_model, make_tokenizer, report, rows_of, texts_in, versions


def main(path: str, tag: str) -> None:
    rows = rows_of(path)
    tokenizer = make_tokenizer(texts_in(rows), extra=(tag,))
    data = made(tokenizer, load_dataset("json", data_files=path, split="train"), tag)
    first = rows[0]
    report(
        versions=versions("openrlhf", "transformers", "datasets"),
        rows=len(rows),
        used=len(data),
        labels=sum(len(row["label"]) for row in rows),
        labels_used=sum(int((data[place][2] != -100).sum()) for place in range(len(data))),
        misplaced=misplaced(tokenizer, rows, data, tag),
        losses=trained(tokenizer, data, tag),
        traps={
            "soft": error_of(lambda: made(tokenizer, one(first, [0.75] * len(first["label"])), tag)[0]),
            "text": error_of(lambda: made(tokenizer, one(first, "+ -"), tag)[0]),
        },
    )


def one(row: dict[str, Any], label: Any) -> Dataset:
    return Dataset.from_list([row | {"label": label}])


def made(tokenizer: Any, rows: Dataset, tag: str) -> ProcessRewardDataset:
    args = SimpleNamespace(input_key="input", label_key="label", placeholder_token=tag, reward_tokens=["+", "-"])
    return ProcessRewardDataset(rows, tokenizer, 4096, SimpleNamespace(args=args))


def misplaced(tokenizer: Any, rows: list[dict[str, Any]], data: ProcessRewardDataset, tag: str) -> int:
    """Rows whose signs, put in the place of the tags, are not those of the row in its order."""
    wrong = 0
    for place, row in enumerate(rows):
        ids, _, labels = (tensor[0] for tensor in data[place])
        signs = [tokenizer.decode([label]) for label in labels.tolist() if label != -100]
        ends = [tokenizer.decode([token]) for token, label in zip(ids, labels, strict=True) if label != -100]
        wrong += signs != row["label"] or set(ends) != {tag} or tokenizer.decode(ids) != row["input"]
    return wrong


def trained(tokenizer: Any, data: ProcessRewardDataset, tag: str, steps: int = 60) -> list[float]:
    model = make_model(tokenizer, "causal")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    (placeholder,) = tokenizer.encode(tag, add_special_tokens=False)
    signs = [tokenizer.encode(sign, add_special_tokens=False)[0] for sign in "+-"]
    loss_of = PRMLoss(placeholder, reward_token_ids=signs)
    items = [data[place] for place in range(len(data)) if data[place][0].shape[1] <= 512]
    random.Random(1).shuffle(items)
    losses = []
    for step in range(steps):
        batch = data.collate_fn([items[(8 * step + place) % len(items)] for place in range(8)])
        inputs, mask, labels = (tensor.squeeze(1) for tensor in batch)
        loss, _ = loss_of(inputs, model(input_ids=inputs, attention_mask=mask).logits, labels, return_acc=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


main(*sys.argv[1:])
