r"""The generative verifier: it reads problem and steps, writes a critique of each step, and the verdict `\boxed{k}`.

The reasoner's vocabulary has the words of its stories only. Words of the critiques that it would spell in bytes become
tokens of their own, and the request, which is the same in every row, is left out: problem and steps are laid out as the
reasoner knows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer

from reasoner.loop.completion import complete
from reasoner.loop.examples import START, Example, line_bounds, line_tokens, read_rows
from reasoner.loop.scoring import Lines
from reasoner.model import Reasoner

FEWEST = 10  # Times that a word must occur to become a token.
LONGEST = 160  # Tokens of a critique.
NO_ERROR = -1
_REQUEST = re.compile(r"Problem:\n(?P<problem>.*?)\n\nSolution:\n(?P<steps>\[0\] .*?)\n\n", re.DOTALL)
_STEP = re.compile(r"^\[\d+\] ", re.MULTILINE)
_WORD = re.compile(r" ?[A-Za-z]+|\\boxed\{|\[\d\] ")
_VERDICT = re.compile(r"\\boxed\{(-?\d+)\}\s*$")


@dataclass(frozen=True, slots=True)
class Critique:
    """A row of a file of the format `verifier-sft`."""

    solution: Lines
    text: str


def read_critiques(path: Path) -> list[Critique]:
    """Raises ValueError for a request in another form."""
    critiques = []
    for row in read_rows(path):
        match = _REQUEST.match(row["prompt"])
        if match is None:
            raise ValueError(f"{path.name}: a request has neither problem nor steps")
        lines = [line.strip() for line in _STEP.split(match["steps"])[1:]]
        critiques.append(Critique((match["problem"], lines), row["completion"]))
    return critiques


def new_words(critiques: Sequence[Critique], tokenizer: Tokenizer) -> list[str]:
    """Frequent words of the critiques of which each would be several tokens."""
    counts = Counter(word for critique in critiques for word in _WORD.findall(critique.text))
    return [word for word, count in counts.items() if count >= FEWEST and len(tokenizer.encode(word).ids) > 1]


def with_words(model: Reasoner, words: Sequence[str], tokenizer: Tokenizer) -> Reasoner:
    """A model that knows these words, too. Each begins as the mean of what spells it; a head does not write it at first."""
    old, head = model.embedding.weight.detach(), model.head
    means = torch.stack([old[tokenizer.encode(word).ids].mean(dim=0) for word in words])
    wider = Reasoner(replace(model.shape, vocabulary=len(old) + len(words)), has_head=head is not None)
    weights = model.state_dict() | {"embedding.weight": torch.cat((old, means))}
    if head is not None:
        weights["head.weight"] = torch.cat((head.weight.detach(), torch.zeros_like(means)))
    wider.load_state_dict(weights)
    return wider


def add_words(tokenizer: Tokenizer, words: Sequence[str]) -> None:
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in words])


def critique_examples(critiques: Sequence[Critique], tokenizer: Tokenizer) -> list[Example]:
    """Every token of the critique is to be predicted, and the end."""
    examples = []
    for critique in critiques:
        head, tail = line_tokens(tokenizer, *critique.solution), tokenizer.encode(critique.text).ids
        places = list(range(len(head) - 1, len(head) + len(tail)))
        examples.append(Example([*head, *tail], line_bounds(tokenizer, head), places, [*tail, START]))
    return examples


def verdict_shares(
    model: Reasoner, tokenizer: Tokenizer, solutions: Sequence[Lines], *, critiques: int, seed: int
) -> list[float]:
    """For each solution the share of its critiques that end with the verdict that no step is wrong."""
    rows = [line_tokens(tokenizer, *solution) for solution in solutions]
    texts = complete(model, tokenizer, rows, n=critiques, longest=LONGEST, seed=seed)
    return [sum(verdict(text) == NO_ERROR for text in own) / critiques for own in texts]


def verdict(text: str) -> int | None:
    """The number in the box at the end; None without one."""
    match = _VERDICT.search(text)
    return int(match[1]) if match else None
