"""Solutions and their critiques as tokens for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer

from reasoner.critic.critique import NO_ERROR, critic_prompt, critique, first_error
from reasoner.critic.solutions import Solved
from reasoner.critic.vocabulary import MARKERS, labels
from reasoner.tokenizer import Vocabulary
from reasoner.train import IGNORED, Batch, as_batch

LINE_END = "\u010a"  # In a byte-level tokenizer.


@dataclass(frozen=True, slots=True)
class Writing:
    """The tokenizer, and the tokens of a line end, of a good and of a bad step, and of the markers."""

    tokenizer: Tokenizer
    line_end: int
    labels: list[int]
    markers: list[int]


def writing_of(vocabulary: Vocabulary) -> Writing:
    markers = [vocabulary.tokens.index(marker) for marker in MARKERS]
    return Writing(vocabulary.tokenizer(), vocabulary.tokens.index(LINE_END), list(labels(vocabulary)), markers)


def batch_of(solutions: Sequence[Solved], writing: Writing, *, has_critique: bool = True) -> Batch:
    """To be predicted are the critiques, or behind each step the reward model's label."""
    texts = [
        (critic_prompt(solved.question, solved.steps), critique(solved.question, solved.steps) if has_critique else "")
        for solved in solutions
    ]
    batch = as_batch(texts, writing.tokenizer)
    if has_critique:
        return batch
    batch.targets.fill_(IGNORED)
    for row, solved in enumerate(solutions):
        error = first_error(solved.question, solved.steps)
        ends = torch.nonzero(batch.tokens[row] == writing.line_end)[1 : len(solved.steps) + 1, 0].tolist()
        for index, end in enumerate(ends):
            batch.targets[row, end] = writing.labels[error != NO_ERROR and index >= error]
    return batch
