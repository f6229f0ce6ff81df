r"""The generative verifier: it reads problem and steps, writes a critique of each step, and the verdict `\boxed{k}`.

The reasoner's vocabulary has the words of its stories only. Words of the critiques that it would spell in bytes become
tokens of their own, so that a critique is about as long as the solution.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from torch import nn

from reasoner.loop.completion import complete
from reasoner.loop.examples import START, Example, read_rows
from reasoner.model import Reasoner

FEWEST = 10  # Times that a word must occur to become a token.
LONGEST = 160  # Tokens of a critique.
NO_ERROR = -1
_WORD = re.compile(r" ?[A-Za-z]+|\\boxed\{")
_VERDICT = re.compile(r"\\boxed\{(-?\d+)\}\s*$")


@dataclass(frozen=True, slots=True)
class Critiques:
    """Rows of a file of the format `verifier-sft`."""

    prompts: list[str]
    completions: list[str]

    @classmethod
    def read(cls, path: Path) -> Critiques:
        rows = list(read_rows(path))
        return cls([row["prompt"] for row in rows], [row["completion"] for row in rows])

    def new_words(self, tokenizer: Tokenizer) -> list[str]:
        """Frequent words of which each would be several tokens."""
        counts = Counter(word for text in (*self.prompts, *self.completions) for word in _WORD.findall(text))
        return [word for word, count in counts.items() if count >= FEWEST and len(tokenizer.encode(word).ids) > 1]

    def examples(self, tokenizer: Tokenizer) -> list[Example]:
        """Every token of the critique is to be predicted, and the end."""
        return [_example(tokenizer, *pair) for pair in zip(self.prompts, self.completions, strict=True)]


def _example(tokenizer: Tokenizer, prompt: str, completion: str) -> Example:
    head, tail = tokenizer.encode(prompt).ids, tokenizer.encode(completion).ids
    tokens = [START, *head, *tail]
    return Example(tokens, list(range(len(head), len(tokens))), [*tail, START])


def with_words(model: Reasoner, tokenizer: Tokenizer, words: Sequence[str]) -> None:
    """Add the words to both. A new token begins as the mean of the tokens that spell it."""
    spelled = [tokenizer.encode(word).ids for word in words]
    old = model.embedding.weight.detach()
    rows = [old[ids].mean(dim=0) for ids in spelled]
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in words])
    model.embedding = nn.Embedding.from_pretrained(torch.cat((old, torch.stack(rows))), freeze=False)


def verdict_shares(
    model: Reasoner, tokenizer: Tokenizer, prompts: Sequence[str], *, critiques: int, seed: int
) -> list[float]:
    """For each prompt the share of its critiques that end with the verdict that no step is wrong."""
    texts = complete(model, tokenizer, prompts, n=critiques, longest=LONGEST, seed=seed)
    return [sum(verdict(text) == NO_ERROR for text in own) / critiques for own in texts]


def verdict(text: str) -> int | None:
    """The number in the box at the end; None without one."""
    match = _VERDICT.search(text)
    return int(match[1]) if match else None
