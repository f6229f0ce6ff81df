"""Rows of exported files as examples for training: the tokens of a text, and at which of them what is to be predicted.

A reward model predicts `+` or `-` right behind the line end of a step, where a completer would begin the next step. So
the probability of `+` is read off with one token requested behind each prefix.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from reasoner.problems import prompt

GOOD, BAD = "+", "-"
LINE_END = "\u010a"  # A line end in a byte-level tokenizer.
START = 0


@dataclass(frozen=True, slots=True)
class Example:
    """`places` are positions in `tokens`, and `targets` the tokens to be predicted behind them.

    `lines` are the first and the last position of each line of the solution.
    """

    tokens: list[int]
    lines: list[tuple[int, int]]
    places: list[int]
    targets: list[int]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            yield json.loads(line)


def questions_of(path: Path) -> list[str]:
    """The questions of a file of the format `trl-prm`, in its order."""
    return [row["prompt"].strip() for row in read_rows(path)]


def step_examples(path: Path, tokenizer: Tokenizer, questions: Collection[str] | None = None) -> list[Example]:
    """Of a file of the format `trl-prm`: a label behind each line. With `questions`, only of these."""
    return [
        labeled_lines(tokenizer, row["prompt"].strip(), row["completions"], row["labels"])
        for row in _rows_about(path, questions)
    ]


def _rows_about(path: Path, questions: Collection[str] | None) -> Iterator[dict[str, Any]]:
    return (row for row in read_rows(path) if questions is None or row["prompt"].strip() in questions)


def answer_examples(path: Path, tokenizer: Tokenizer, questions: Collection[str] | None = None) -> list[Example]:
    """Of a file of the format `orm`: one label, behind the last line. With `questions`, only of these."""
    examples = []
    for row in _rows_about(path, questions):
        lines = row["completion"].strip().split("\n")
        examples.append(labeled_lines(tokenizer, row["prompt"].strip(), lines, [row["label"]], first=len(lines) - 1))
    return examples


def labeled_lines(
    tokenizer: Tokenizer, question: str, lines: Sequence[str], labels: Sequence[bool], first: int = 0
) -> Example:
    """The labels belong to the lines from `first` on. Raises ValueError without any."""
    if not labels:
        raise ValueError("an example without labels")
    tokens = line_tokens(tokenizer, question, lines)
    bounds = line_bounds(tokenizer, tokens)
    signs = [tokenizer.token_to_id(GOOD if label else BAD) for label in labels]
    return Example(tokens, bounds, [end for _, end in bounds[first : first + len(labels)]], signs)


def line_tokens(tokenizer: Tokenizer, question: str, lines: Sequence[str]) -> list[int]:
    text = prompt(question) + "".join(f"{line}\n" for line in lines)
    return [START, *tokenizer.encode(text).ids]


def line_bounds(tokenizer: Tokenizer, tokens: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last position of each line behind the problem; the last one is the line end."""
    sign = tokenizer.token_to_id(LINE_END)
    ends = [place for place, token in enumerate(tokens) if token == sign]
    return [(before + 1, end) for before, end in pairwise(ends)]
