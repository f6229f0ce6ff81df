"""Fine-tuning of a small model on examples: seeded, on one thread, in bfloat16."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reasoner.loop.examples import Example
from reasoner.model import Reasoner
from reasoner.train import optimizers

LOOK_AHEAD = 16  # Batches whose examples are sorted by length together, so that little is padding.


@dataclass(frozen=True, slots=True)
class Recipe:
    """`rate` is reached after `warm_up` batches and falls to 0 over the second half."""

    epochs: int = 2
    batch: int = 16
    rate: float = 1e-3
    warm_up: int = 20


def fine_tune(model: Reasoner, examples: Sequence[Example], recipe: Recipe, seed: int) -> list[float]:
    """Train the model in place; returns the loss of each batch."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    batches = [batch for _ in range(recipe.epochs) for batch in batches_of(examples, recipe.batch, dice)]
    chosen, losses = optimizers(model), list[float]()
    for number, batch in enumerate(batches):
        share = min(1.0, (number + 1) / recipe.warm_up, 2 * (len(batches) - number) / len(batches))
        for optimizer in chosen:
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * share
        loss = loss_of(model, [examples[place] for place in batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in chosen:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def batches_of(examples: Sequence[Example], size: int, dice: random.Random) -> Iterator[list[int]]:
    """Indexes of examples of similar length, in random order."""
    order = list(range(len(examples)))
    dice.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), size * LOOK_AHEAD):
        window = sorted(order[start : start + size * LOOK_AHEAD], key=lambda place: len(examples[place].tokens))
        batches += [window[first : first + size] for first in range(0, len(window), size)]
    dice.shuffle(batches)
    yield from batches


def loss_of(model: Reasoner, examples: Sequence[Example]) -> Tensor:
    """Cross entropy over the places of the examples only."""
    rows = [row for row, example in enumerate(examples) for _ in example.places]
    places = [place for example in examples for place in example.places]
    targets = torch.tensor([target for example in examples for target in example.targets])
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model.states(padded([example.tokens for example in examples]))[rows, places])
    return functional.cross_entropy(logits.float(), targets)


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """One tensor, filled up with zeros behind: a causal model does not see them."""
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens
