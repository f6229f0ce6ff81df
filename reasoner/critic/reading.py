"""The first part of the training: the reward model learns to read steps with a marker before each.

The reasoner would not have written a marker, and what it would not have written is wrong for the reward model, which calls
every step wrong at first. Only the embeddings of the markers and the blocks that the reward model has on top of the reasoner
change; the rest keeps what it knows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional

from reasoner.critic.muon import Muon
from reasoner.critic.solutions import Solved
from reasoner.critic.texts import Writing, batch_of
from reasoner.loop.stem import NEW_BLOCKS, keep_codes
from reasoner.model import Reasoner
from reasoner.train import IGNORED, descend, rate_at

DOCUMENTS = 24
STEPS, RATE = 900, 0.004
MARKER_RATE = 0.05  # Of the size of the embedding.


def learn_to_read(model: Reasoner, solutions: Iterator[Solved], writing: Writing, held_out: Sequence[Solved]) -> None:
    blocks, embedding = model.blocks[-NEW_BLOCKS:], model.embedding.weight
    size = embedding.detach().std().item()
    model.requires_grad_(requires_grad=False)
    blocks.requires_grad_(requires_grad=True)
    embedding.requires_grad_(requires_grad=True)
    muon = Muon([weight for weight in blocks.parameters() if weight.dim() == 2], lr=RATE)
    adam = torch.optim.Adam([embedding], lr=size)
    for step in range(STEPS):
        loss = label_loss(model, list(itertools.islice(solutions, DOCUMENTS)), writing)
        loss.backward()
        assert embedding.grad is not None
        embedding.grad[: -len(writing.markers)] = 0
        keep_codes(blocks)
        torch.nn.utils.clip_grad_norm_(blocks.parameters(), 1.0)
        descend([muon], rate_at(step, STEPS, RATE))
        descend([adam], rate_at(step, STEPS, MARKER_RATE * size))
        if (step + 1) % 20 == 0:
            print(f"reading, step {step + 1} of {STEPS}: loss {loss.item():.4f}", flush=True)
        if (step + 1) % 100 == 0:
            with torch.no_grad():
                print(f"held out: {label_loss(model, held_out, writing).item():.4f}", flush=True)
    model.requires_grad_(requires_grad=True)


def label_loss(model: Reasoner, solutions: Sequence[Solved], writing: Writing) -> torch.Tensor:
    """Of the labels behind the steps, per label. Critiques are not read."""
    batch = batch_of(solutions, writing, has_critique=False)
    wanted = batch.targets != IGNORED
    states = model.norm(model.through(model.embedding(batch.tokens), model.blocks))
    return functional.cross_entropy(
        model.logits(states[wanted])[:, writing.labels], as_label(batch.targets[wanted], writing)
    )


def as_label(targets: torch.Tensor, writing: Writing) -> torch.Tensor:
    """0 for a good and 1 for a bad step."""
    return (targets == writing.labels[1]).long()
