"""Training of the stem, and from it of reward models. All of it is seeded, on one thread, in bfloat16."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import ceil

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from reasoner.loop.corruption import corrupted
from reasoner.loop.examples import Example
from reasoner.loop.stem import (
    Reading,
    Stem,
    keep_codes,
    look_at_unexpected,
    new_stem,
    read,
    states_of,
    token_loss,
    token_targets,
)
from reasoner.model import Reasoner
from reasoner.train import optimizers_of

LOOK_AHEAD = 16  # Batches whose examples are sorted by length together, so that little is padding.
CORRUPTED = 0.1  # Share of the tokens.


@dataclass(frozen=True, slots=True)
class Recipe:
    """`rate` is reached after `warm_up` batches and falls to 0 over the second half.

    The last `blocks` learn from labels, with the last norm and the head.
    """

    epochs: int = 1
    batch: int = 16
    rate: float = 2e-3
    warm_up: int = 20
    blocks: int = 1

    def count(self, examples: int) -> int:
        """How many batches these are."""
        return self.epochs * ceil(examples / self.batch)


@dataclass(frozen=True, slots=True)
class Batches:
    """Made one after the other, and how many there will be."""

    each: Iterator[list[Reading]]
    count: int


def make_stem(
    reasoner: Reasoner, texts: Sequence[Example], tokenizer: Tokenizer, recipe: Recipe, seed: int
) -> tuple[Stem, list[float]]:
    """A stem that has learned which tokens are expected, and the loss of each batch. Each epoch corrupts the texts again."""
    torch.manual_seed(seed)
    dice, stem = random.Random(seed), new_stem(reasoner)

    def batches() -> Iterator[list[Reading]]:
        for _ in range(recipe.epochs):
            readings = read(reasoner, stem, corrupted(texts, CORRUPTED, tokenizer, dice))
            yield from batches_of(readings, recipe.batch, dice)

    def loss_of(batch: Sequence[Reading]) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return token_loss(stem, stem.model.through(states_of(batch), stem.stem_blocks), token_targets(batch))

    weights = [*stem.stem_blocks.parameters(), *stem.token_head.parameters()]
    losses = _fit(stem.stem_blocks, weights, Batches(batches(), recipe.count(len(texts))), loss_of, recipe)
    return stem, losses


def train(
    reasoner: Reasoner, stem: Stem, examples: Sequence[Example], recipe: Recipe, seed: int
) -> tuple[Reasoner, list[float]]:
    """A model that predicts the targets, and the loss of each batch. The given stem is copied."""
    own, dice = deepcopy(stem), random.Random(seed)
    readings = read(reasoner, own, examples)
    look_at_unexpected(own, readings, dice)
    model, blocks = own.model, own.model.blocks[-recipe.blocks :]
    assert model.head is not None
    weights = [*blocks.parameters(), *model.norm.parameters(), *model.head.parameters()]
    model.requires_grad_(requires_grad=False)
    for weight in weights:
        weight.requires_grad_(requires_grad=True)
    each = (batch for _ in range(recipe.epochs) for batch in batches_of(readings, recipe.batch, dice))
    batches = Batches(each, recipe.count(len(readings)))
    return model, _fit(blocks, weights, batches, lambda batch: _label_loss(own, batch), recipe)


def batches_of(readings: Sequence[Reading], size: int, dice: random.Random) -> Iterator[list[Reading]]:
    """Readings of similar length together, in random order."""
    order = list(readings)
    dice.shuffle(order)
    batches: list[list[Reading]] = []
    for start in range(0, len(order), size * LOOK_AHEAD):
        window = sorted(order[start : start + size * LOOK_AHEAD], key=lambda reading: len(reading.example.tokens))
        batches += [window[first : first + size] for first in range(0, len(window), size)]
    dice.shuffle(batches)
    yield from batches


def _fit(
    blocks: nn.Module,
    weights: Sequence[nn.Parameter],
    batches: Batches,
    loss_of: Callable[[Sequence[Reading]], Tensor],
    recipe: Recipe,
) -> list[float]:
    """Train these weights, those of `blocks` among them; returns the loss of each batch."""
    optimizers = optimizers_of(blocks, weights)
    losses: list[float] = []
    for number, batch in enumerate(batches.each):
        share = min(1.0, (number + 1) / recipe.warm_up, 2 * (batches.count - number) / batches.count)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = recipe.rate * share
        loss = loss_of(batch)
        loss.backward()
        keep_codes(blocks)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def _label_loss(stem: Stem, batch: Sequence[Reading]) -> Tensor:
    model = stem.model
    rows = [row for row, reading in enumerate(batch) for _ in reading.example.places]
    places = [place for reading in batch for place in reading.example.places]
    labels = torch.tensor([target for reading in batch for target in reading.example.targets], dtype=torch.long)
    with torch.autocast("cpu", torch.bfloat16):
        last = model.norm(model.through(states_of(batch), stem.new_blocks))
        logits = model.logits(last[rows, places])
    return functional.cross_entropy(logits.float(), labels)
