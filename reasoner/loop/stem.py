"""The stem: new blocks on top of the reasoner's that know, without any label, which tokens it would have written itself.

A step is wrong, as a rule, where the reasoner would have written something else. So these blocks learn from the
reasoner alone whether a token is the one that it finds likeliest ("expected"). What that means for a step, reward models
learn from labels, with one more block. The reasoner's own blocks stay as they are, and their states are computed once.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from reasoner.loop.examples import Example
from reasoner.model import CODE, Norm, Reasoner, Shape, deepened

NEW_BLOCKS = 3  # All but the last one are the stem.
SCALE = 0.05  # The states of the reasoner's last block are about 20 in size.
READ_AT_ONCE = 64
FOCUS = 0.6  # How sharply the last block looks at unexpected tokens at first.
CONSTANT_FROM = 128  # Texts from which a direction is fitted that is the same at every token.


class TokenHead(nn.Module):
    """Is this token expected? Thrown away after training."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm, self.linear = Norm(shape), nn.Linear(shape.width, 1)

    def forward(self, states: Tensor) -> Tensor:
        """(..., width) to logits (...)."""
        return self.linear(self.norm(states))[..., 0].float()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Stem:
    """The reasoner with new blocks. All but the last one learn which tokens are expected, together with `token_head`."""

    model: Reasoner
    token_head: TokenHead

    @property
    def new_blocks(self) -> nn.ModuleList:
        return self.model.blocks[-NEW_BLOCKS:]

    @property
    def stem_blocks(self) -> nn.ModuleList:
        return self.model.blocks[-NEW_BLOCKS:-1]

    def learned(self) -> list[Mapping[str, Tensor]]:
        """The weights that are learned without labels."""
        return [self.stem_blocks.state_dict(), self.token_head.state_dict()]

    def load(self, learned: Sequence[Mapping[str, Tensor]]) -> None:
        self.stem_blocks.load_state_dict(learned[0])
        self.token_head.load_state_dict(learned[1])


def new_stem(reasoner: Reasoner) -> Stem:
    model = deepened(reasoner, NEW_BLOCKS, SCALE)
    return Stem(model, TokenHead(model.shape))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reasoner's own blocks make of an example: their states, and whether each token is the likeliest."""

    example: Example
    states: Tensor
    is_expected: Tensor


@torch.inference_mode()
def read(reasoner: Reasoner, stem: Stem, examples: Sequence[Example]) -> list[Reading]:
    old = stem.model.blocks[:-NEW_BLOCKS]
    readings: dict[int, Reading] = {}
    order = sorted(range(len(examples)), key=lambda place: len(examples[place].tokens))
    for start in range(0, len(order), READ_AT_ONCE):
        places = order[start : start + READ_AT_ONCE]
        tokens = padded([examples[place].tokens for place in places])
        with torch.autocast("cpu", torch.bfloat16):
            states = stem.model.through(stem.model.embedding(tokens), old)
            own_states = states[..., : reasoner.shape.width] / SCALE
            likeliest = reasoner.logits(reasoner.norm(own_states)).argmax(-1)
        is_expected = functional.pad(likeliest[:, :-1] == tokens[:, 1:], (1, 0))
        for row, place in enumerate(places):
            length = len(examples[place].tokens)
            own = states[row, :length].bfloat16(), is_expected[row, :length].clone()
            readings[place] = Reading(examples[place], *own)
    return [readings[place] for place in range(len(examples))]


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """One tensor, filled up with zeros behind: a causal model does not see them."""
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens


def states_of(readings: Iterable[Reading]) -> Tensor:
    return nn.utils.rnn.pad_sequence([reading.states for reading in readings], batch_first=True).float()


@dataclass(frozen=True, slots=True)
class TokenTargets:
    """For each token of a batch: is it expected, where is text, and where is the solution?

    What the reasoner would have made of the problem's own tokens does not matter: they count as expected.
    """

    is_expected: Tensor
    is_text: Tensor
    is_solution: Tensor


def token_targets(readings: Sequence[Reading]) -> TokenTargets:
    shape = len(readings), max(len(reading.example.tokens) for reading in readings)
    is_expected = torch.ones(shape, dtype=torch.bool)
    is_text, is_solution = torch.zeros(2, *shape, dtype=torch.bool)
    for row, reading in enumerate(readings):
        lines = reading.example.lines
        solution = slice(lines[0][0], lines[-1][1] + 1)
        is_text[row, : solution.stop] = True
        is_solution[row, solution] = True
        is_expected[row, solution] = reading.is_expected[solution]
    return TokenTargets(is_expected, is_text, is_solution)


def token_loss(stem: Stem, states: Tensor, targets: TokenTargets) -> Tensor:
    """Summed over all tokens, per token of a solution. `states` (batch, length, width) are those of the stem's blocks."""
    losses = functional.binary_cross_entropy_with_logits(
        stem.token_head(states)[targets.is_text], targets.is_expected[targets.is_text].float(), reduction="sum"
    )
    return losses / targets.is_solution.sum()


def keep_codes(blocks: nn.ModuleList) -> None:
    """No block may write where the codes of the tokens are: they are small there, and norms raise whatever is added."""
    for block in blocks:
        for weight in (block.attention.out.weight, block.down.weight):
            if weight.grad is not None:
                weight.grad[-CODE:] = 0


@torch.no_grad()
def look_at_unexpected(stem: Stem, readings: Sequence[Reading], dice: random.Random) -> None:
    """Let the last block begin by looking, from everywhere, at the tokens that `token_head` calls unexpected.

    One among a hundred tokens has next to no share of an even attention, so from an even one this is learned slowly.
    Queries become a constant, which is fitted by least squares, and keys the logit of the head. Both lie in the pair of
    the slowest rotation, so that distance does not matter.
    """
    block = stem.new_blocks[-1]
    attention, shape = block.attention, stem.model.shape
    chosen = dice.sample(readings, min(CONSTANT_FROM, len(readings)))
    states = torch.cat(
        [block.attention_norm(stem.model.through(states_of([reading]), stem.stem_blocks)[0]) for reading in chosen]
    )
    constant = torch.linalg.lstsq(states.double(), torch.ones(len(states), 1).double()).solution[:, 0].float()
    unexpected = -stem.token_head.linear.weight[0] * stem.token_head.norm.weight
    for first in range(0, shape.all_heads, shape.head):
        slowest = slice(first + shape.head - 2, first + shape.head)
        zeros = torch.zeros_like(constant)
        attention.query.weight[slowest] = torch.stack([FOCUS * shape.head**0.5 * constant, zeros])
        attention.key.weight[slowest] = torch.stack([unexpected, zeros])
        attention.value.weight[first] = unexpected
