"""Scores by a model in memory: the probability of `+` against `-` behind each line end, as `manage.py score` asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from reasoner.loop.examples import BAD, GOOD, line_bounds, line_tokens
from reasoner.loop.training import padded
from reasoner.model import Reasoner

BATCH = 64

Lines = tuple[str, Sequence[str]]  # A question and the lines of a solution.


@torch.inference_mode()
def line_scores(model: Reasoner, tokenizer: Tokenizer, solutions: Sequence[Lines]) -> list[np.ndarray]:
    """For each solution the score of each of its lines."""
    rows = [line_tokens(tokenizer, question, lines) for question, lines in solutions]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    good, bad = (tokenizer.token_to_id(sign) for sign in (GOOD, BAD))
    direction = model.output_weight[good] - model.output_weight[bad]
    scores: dict[int, np.ndarray] = {}
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        tokens = padded([rows[place] for place in places])
        with torch.autocast("cpu", torch.bfloat16):
            states = model.norm(model.through(model.embedding(tokens), model.blocks))
        chances = torch.sigmoid(states.float() @ direction)
        for row, place in enumerate(places):
            ends = [end for _, end in line_bounds(tokenizer, rows[place])]
            scores[place] = chances[row, ends].numpy()
    return [scores[place] for place in range(len(rows))]
