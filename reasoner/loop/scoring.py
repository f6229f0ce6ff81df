"""Scores by a model in memory: the probability of `+` against `-` behind each line end, as `manage.py score` asks for it.

And, to compare, how likely the reasoner finds a solution, which needs no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from reasoner.loop.examples import BAD, GOOD, line_bounds, line_tokens
from reasoner.loop.stem import padded
from reasoner.model import Reasoner

BATCH = 64

Lines = tuple[str, Sequence[str]]  # A question and the lines of a solution.


@torch.inference_mode()
def line_scores(model: Reasoner, tokenizer: Tokenizer, solutions: Sequence[Lines]) -> list[np.ndarray]:
    """For each solution the score of each of its lines."""
    good, bad = (tokenizer.token_to_id(sign) for sign in (GOOD, BAD))
    direction = model.output_weight[good] - model.output_weight[bad]
    scores: dict[int, np.ndarray] = {}
    for batch in _batches(tokenizer, solutions):
        chances = torch.sigmoid(_states(model, batch.tokens) @ direction)
        for row, place in enumerate(batch.places):
            ends = [end for _, end in line_bounds(tokenizer, batch.rows[row])]
            scores[place] = chances[row, ends].numpy()
    return [scores[place] for place in range(len(solutions))]


@torch.inference_mode()
def log_likelihoods(model: Reasoner, tokenizer: Tokenizer, solutions: Sequence[Lines]) -> list[np.ndarray]:
    """For each solution the logarithm of the probability of its tokens, as the only entry."""
    sums: dict[int, np.ndarray] = {}
    for batch in _batches(tokenizer, solutions):
        logs = model.logits(_states(model, batch.tokens)).log_softmax(-1)
        for row, place in enumerate(batch.places):
            tokens = batch.rows[row]
            first = line_bounds(tokenizer, tokens)[0][0]
            written = logs[row, range(first - 1, len(tokens) - 1), tokens[first:]]
            sums[place] = written.sum(dim=0, keepdim=True).numpy()
    return [sums[place] for place in range(len(solutions))]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Solutions of similar length: their places among all, their tokens, and these as one tensor."""

    places: list[int]
    rows: list[list[int]]
    tokens: Tensor


def _batches(tokenizer: Tokenizer, solutions: Sequence[Lines]) -> Iterator[_Batch]:
    rows = [line_tokens(tokenizer, question, lines) for question, lines in solutions]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        own = [rows[place] for place in places]
        yield _Batch(places, own, padded(own))


def _states(model: Reasoner, tokens: Tensor) -> Tensor:
    """In single precision: with bfloat16, one score in a hundred is off by more than 0.009."""
    return model.norm(model.through(model.embedding(tokens), model.blocks))
