"""OpenRLHF's RewardDataset, for `train_rm` and `train_dpo`, and its pairwise loss: openrlhf_pairs.py FILE DIALOGUES

The trainers themselves need deepspeed and a GPU: the data set class, its collation and the loss run here, in a loop.
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
from datasets import load_dataset
from openrlhf.datasets.reward_dataset import RewardDataset
from openrlhf.models.loss import PairWiseLoss
from tiny import END, make_model, make_tokenizer, report, rows_of, texts_in, versions


def main(path: str, dialogues: str) -> None:
    rows, spoken = rows_of(path), rows_of(dialogues)
    tokenizer = make_tokenizer(texts_in([rows, spoken]))
    told = made(tokenizer, path, prompt_key="prompt")
    in_turns = made(tokenizer, dialogues, prompt_key="prompt", apply_chat_template=True)
    untold = made(tokenizer, path)
    short = made(tokenizer, path, max_length=1024, prompt_key="prompt")
    report(
        versions=versions("openrlhf", "transformers", "datasets"),
        rows=len(rows),
        used=len(told),
        used_by_dpo=len(made(tokenizer, path, is_dpo=True, prompt_key="prompt")),
        misplaced=sum(
            read(tokenizer, told, place) != [ended(row["prompt"] + row[side]) for side in ("chosen", "rejected")]
            for place, row in enumerate(rows)
        ),
        misplaced_dialogues=sum(
            any(row["prompt"][-1]["content"] not in text for text in read(tokenizer, in_turns, place))
            for place, row in enumerate(spoken)
        ),
        margins=[float(margin) for margin in told.extras] == [row.get("margin", 0) for row in rows],
        prompts_without_the_key=sum(
            any(row["prompt"].strip() in text for text in read(tokenizer, untold, place))
            for place, row in enumerate(rows)
        ),
        longest_at_1024=max(short[place][0].shape[1] for place in range(len(short))),
        losses=trained(tokenizer, told),
    )


def made(tokenizer: Any, path: str, *, max_length: int = 4096, is_dpo: bool = False, **keys: Any) -> RewardDataset:
    """As the command line makes it: `--data.prompt_key` and the like in 0.11, `--prompt_key` in 0.9."""
    data = SimpleNamespace(**{"prompt_key": None, "chosen_key": "chosen", "rejected_key": "rejected"} | keys)
    args = SimpleNamespace(**vars(data), data=data)
    strategy = SimpleNamespace(args=args)
    rows = load_dataset("json", data_files=path, split="train")
    return RewardDataset(rows, tokenizer, max_length, strategy, is_dpo=is_dpo, num_processors=1)


def read(tokenizer: Any, data: RewardDataset, place: int) -> list[str]:
    item = data[place]
    return [tokenizer.decode(item[0][0]), tokenizer.decode(item[2][0])]


def ended(text: str) -> str:
    return text.rstrip("\n") + " " + END


def trained(tokenizer: Any, data: RewardDataset, steps: int = 30) -> list[float]:
    """A reward model on the batches of its collation with its loss, margins included."""
    model = make_model(tokenizer, "reward", num_labels=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    items = [data[place] for place in range(len(data)) if data[place][0].shape[1] <= 512]
    random.Random(1).shuffle(items)
    losses = []
    for step in range(steps):
        batch = data.collate_fn([items[(8 * step + place) % len(items)] for place in range(8)])
        chosen = model(input_ids=batch[0].squeeze(1), attention_mask=batch[1].squeeze(1)).logits
        rejected = model(input_ids=batch[2].squeeze(1), attention_mask=batch[3].squeeze(1)).logits
        loss = PairWiseLoss()(chosen.squeeze(1), rejected.squeeze(1), torch.tensor(batch[4]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


main(*sys.argv[1:])
