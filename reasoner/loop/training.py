"""Training of reward models: new blocks on top of the reasoner's, which stay as they are.

A step is wrong, as a rule, where the reasoner itself would have written something else. So besides the labels the new
blocks learn, from the reasoner alone and without labels, which tokens it would have written, and which lines have held
only such tokens so far. Without these two tasks, several thousand labels do not make them compare what is written with
what is expected. All of it is seeded, on one thread, in bfloat16.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from reasoner.loop.examples import Example
from reasoner.model import Norm, Reasoner, Shape, deepened
from reasoner.train import optimizers_of

LOOK_AHEAD = 16  # Batches whose examples are sorted by length together, so that little is padding.
NEW_BLOCKS = 3
NOTICING = 2  # After so many new blocks it is known which tokens are expected.
SCALE = 0.05  # The states of the reasoner's last block are about 20 in size.
READ_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """`rate` is reached after `warm_up` batches and falls to 0 over the second half."""

    epochs: int = 5
    batch: int = 16
    rate: float = 4e-3
    warm_up: int = 20


class Notes(nn.Module):
    """Heads that are thrown away after training: is this token expected, and is its line so far?"""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = Norm(shape)
        self.token, self.line = nn.Linear(shape.width, 1), nn.Linear(shape.width, 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reasoner's own blocks make of an example: their states, and whether each token is the likeliest."""

    states: Tensor
    is_expected: Tensor


@dataclass(frozen=True, slots=True)
class Stem:
    """A model that has read solutions without labels: its new blocks know what the reasoner would have written."""

    model: Reasoner
    notes: Notes


def make_stem(reasoner: Reasoner, rows: Sequence[Example], recipe: Recipe, seed: int) -> tuple[Stem, list[float]]:
    """New blocks that have learned the two tasks without labels, and the loss of each batch."""
    torch.manual_seed(seed)
    stem = Stem(deepened(reasoner, NEW_BLOCKS, SCALE), Notes(reasoner.shape))
    unlabeled = [replace(row, places=[], targets=[]) for row in rows]
    return stem, _train(stem, unlabeled, read(reasoner, [row.tokens for row in unlabeled]), recipe, seed)


def train(
    reasoner: Reasoner, stem: Stem, examples: Sequence[Example], recipe: Recipe, seed: int
) -> tuple[Reasoner, list[float]]:
    """A model that predicts the targets, and the loss of each batch. The stem stays as it is."""
    own = deepcopy(stem)
    return own.model, _train(own, examples, read(reasoner, [example.tokens for example in examples]), recipe, seed)


def _train(
    stem: Stem, examples: Sequence[Example], readings: Sequence[Reading], recipe: Recipe, seed: int
) -> list[float]:
    """Train the new blocks, the last norm and the head."""
    dice = random.Random(seed)
    new = stem.model.blocks[-NEW_BLOCKS:]
    weights = [*new.parameters(), *stem.model.norm.parameters(), *stem.notes.parameters()]
    weights += [] if stem.model.head is None else stem.model.head.parameters()
    optimizers = optimizers_of(new, weights)
    batches = [batch for _ in range(recipe.epochs) for batch in batches_of(examples, recipe.batch, dice)]
    losses: list[float] = []
    for number, batch in enumerate(batches):
        share = min(1.0, (number + 1) / recipe.warm_up, 2 * (len(batches) - number) / len(batches))
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = recipe.rate * share
        loss, note_loss = losses_of(stem, [examples[place] for place in batch], [readings[place] for place in batch])
        (loss + note_loss).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item() if examples[0].places else note_loss.item())
    return losses


@torch.inference_mode()
def read(reasoner: Reasoner, rows: Sequence[Sequence[int]]) -> list[Reading]:
    readings: dict[int, Reading] = {}
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    for start in range(0, len(order), READ_AT_ONCE):
        places = order[start : start + READ_AT_ONCE]
        tokens = padded([rows[place] for place in places])
        with torch.autocast("cpu", torch.bfloat16):
            states = reasoner.through(reasoner.embedding(tokens), reasoner.blocks)
            likeliest = reasoner.logits(reasoner.norm(states)).argmax(-1)
        is_expected = functional.pad(likeliest[:, :-1] == tokens[:, 1:], (1, 0))
        for row, place in enumerate(places):
            length = len(rows[place])
            readings[place] = Reading((SCALE * states[row, :length]).bfloat16(), is_expected[row, :length].clone())
    return [readings[place] for place in range(len(rows))]


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


def losses_of(stem: Stem, examples: Sequence[Example], readings: Sequence[Reading]) -> tuple[Tensor, Tensor]:
    """The loss of the targets, and that of the notes at the tokens of the solution's lines."""
    model, notes = stem.model, stem.notes
    new = model.blocks[-NEW_BLOCKS:]
    states = nn.utils.rnn.pad_sequence([reading.states for reading in readings], batch_first=True).float()
    rows = [row for row, example in enumerate(examples) for _ in example.places]
    places = [place for example in examples for place in example.places]
    targets = torch.tensor([target for example in examples for target in example.targets], dtype=torch.long)
    is_expected, is_clean, is_noted = note_targets(examples, readings, states.shape[1])
    with torch.autocast("cpu", torch.bfloat16):
        noticed = model.through(states, new[:NOTICING])
        last = model.norm(model.through(noticed, new[NOTICING:]))
        token_notes, line_notes = notes.token(notes.norm(noticed))[..., 0], notes.line(last)[..., 0]
        logits = model.logits(last[rows, places])
    note_loss = sum(
        functional.binary_cross_entropy_with_logits(found.float()[is_noted], truth[is_noted].float())
        for found, truth in ((token_notes, is_expected), (line_notes, is_clean))
    )
    loss = functional.cross_entropy(logits.float(), targets) if len(targets) else torch.zeros(())
    return loss, torch.as_tensor(note_loss)


def note_targets(
    examples: Sequence[Example], readings: Sequence[Reading], length: int
) -> tuple[Tensor, Tensor, Tensor]:
    """For each token of the batch: is it expected, is its line so far, and is it part of a line."""
    is_expected, is_clean, is_noted = torch.zeros(3, len(examples), length, dtype=torch.bool)
    for row, (example, reading) in enumerate(zip(examples, readings, strict=True)):
        is_expected[row, : len(example.tokens)] = reading.is_expected
        for first, last in example.lines:
            is_noted[row, first : last + 1] = True
            is_clean[row, first : last + 1] = reading.is_expected[first : last + 1].cumprod(0).bool()
    return is_expected, is_clean, is_noted


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """One tensor, filled up with zeros behind: a causal model does not see them."""
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens
