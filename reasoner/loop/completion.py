"""Samples completions of many prompts at once, each prompt read once, with keys and values kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders
from torch import Tensor
from torch.nn import functional

from reasoner.loop.examples import START
from reasoner.model import Block, Reasoner, rotated, rotations

ROWS = 256  # Completions at once.
HIDDEN = -1e9  # Added to scores of places that are not there.
DONE_SHARE = 0.25  # When so many rows are done, the others go on without them.


@torch.inference_mode()
def complete(
    model: Reasoner,
    tokenizer: Tokenizer,
    rows: Sequence[Sequence[int]],
    *,
    n: int,
    longest: int,
    seed: int,
    temperature: float = 1.0,
) -> list[list[str]]:
    """`n` completions of each row of tokens, without the end token."""
    dice = torch.Generator().manual_seed(seed)
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    decoder, texts = decoders.ByteLevel(), dict[int, list[str]]()
    with torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), max(1, ROWS // n)):
            places = order[start : start + max(1, ROWS // n)]
            tokens = _Batch(model, [rows[place] for place in places], n, longest).sample(temperature, dice)
            decoded = [decoder.decode([str(tokenizer.id_to_token(token)) for token in row]) for row in tokens]
            for number, place in enumerate(places):
                texts[place] = decoded[number * n : (number + 1) * n]
    return [texts[place] for place in range(len(rows))]


@dataclass
class _Cache:
    """The keys and values of one block: (rows, heads, places, head), of which `length` places are used."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def add(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Returns all keys and values so far."""
        until = self.length + keys.shape[2]
        self.keys[:, :, self.length : until] = keys
        self.values[:, :, self.length : until] = values
        self.length = until
        return self.keys[:, :, :until], self.values[:, :, :until]

    def take(self, rows: Tensor) -> None:
        self.keys, self.values = self.keys[rows], self.values[rows]


class _Batch:
    """Rows of one length, filled up with hidden places in front."""

    def __init__(self, model: Reasoner, rows: Sequence[Sequence[int]], n: int, longest: int) -> None:
        self.model, self.longest = model, longest
        self.length = max(map(len, rows))
        self.pads = torch.tensor([self.length - len(row) for row in rows])
        self.rotation = rotations(model.shape, self.length + longest)
        shape = (len(rows), model.shape.heads, self.length + longest, model.shape.head)
        self.caches = [_Cache(torch.zeros(shape), torch.zeros(shape)) for _ in model.blocks]
        tokens = torch.zeros(len(rows), self.length, dtype=torch.long)
        for number, row in enumerate(rows):
            tokens[number, self.length - len(row) :] = torch.tensor(row)
        states = self._step(tokens, 0)[:, -1]
        copies = torch.arange(len(rows)).repeat_interleave(n)
        self.pads, self.states = self.pads[copies], states[copies]
        for cache in self.caches:
            cache.take(copies)

    def sample(self, temperature: float, dice: torch.Generator) -> list[list[int]]:
        written: list[list[int]] = [[] for _ in self.pads]
        rows, done = torch.arange(len(self.pads)), torch.zeros(len(self.pads), dtype=torch.bool)
        for place in range(self.length, self.length + self.longest):
            chances = (self.model.logits(self.states).float() / temperature).softmax(-1)
            tokens = torch.multinomial(chances, 1, generator=dice)[:, 0]
            done = done | (tokens == START)
            if done.all():
                break
            for row, token, is_done in zip(rows.tolist(), tokens.tolist(), done.tolist(), strict=True):
                if not is_done:
                    written[row].append(token)
            if done.float().mean() > DONE_SHARE:
                live = torch.nonzero(~done)[:, 0]
                rows, tokens, done, self.pads = rows[live], tokens[live], done[live], self.pads[live]
                for cache in self.caches:
                    cache.take(live)
            self.states = self._step(tokens[:, None], place)[:, -1]
        return written

    def _step(self, tokens: Tensor, first: int) -> Tensor:
        """The last states of these tokens, which follow `first` places in the caches."""
        until = first + tokens.shape[1]
        places = torch.arange(first, until)
        cosine, sine = (part[(places - self.pads[:, None]).clamp(min=0)][:, None] for part in self.rotation)
        seen = torch.arange(until)
        is_before = seen <= places[:, None]
        is_there = (seen >= self.pads[:, None, None]) | (seen == places[:, None])
        mask = torch.where(is_before & is_there, 0.0, HIDDEN)[:, None]
        x = self.model.embedding(tokens)
        for block, cache in zip(self.model.blocks, self.caches, strict=True):
            x = self._through(block, x, cache, (cosine, sine), mask)
        return self.model.norm(x)

    def _through(self, block: Block, x: Tensor, cache: _Cache, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """What the block does in training, for new places only, which follow those in the cache."""
        attention, normed = block.attention, block.attention_norm(x)
        rows, length, _ = x.shape
        heads = (rows, length, attention.shape.heads, attention.shape.head)
        query, key, value = (
            part(normed).view(heads).transpose(1, 2) for part in (attention.query, attention.key, attention.value)
        )
        keys, values = cache.add(rotated(key, rotation), value)
        scores = rotated(query, rotation) @ keys.transpose(-1, -2) * attention.shape.head**-0.5
        mixed = functional.softmax(scores.float() + mask, dim=-1) @ values
        x = x + attention.out(mixed.transpose(1, 2).flatten(2))
        inner = block.inner_norm(x)
        return x + block.down(functional.silu(block.gate(inner)) * block.up(inner))
