"""Corrupted solutions: some tokens replaced, some texts cut short.

In what the reasoner writes itself, one token in fifty is not its likeliest. A model that is to notice such tokens learns
next to nothing from so few.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tokenizers import Tokenizer

from reasoner.loop.examples import LINE_END, Example, line_bounds

OPERATORS = "+-*/"
OTHER_SHARE = 0.2
CUT_SHARE = 0.15


def corrupted(examples: Sequence[Example], share: float, tokenizer: Tokenizer, dice: random.Random) -> list[Example]:
    """A copy of each without labels: at `share` of its places a digit becomes any digit, an operator any operator.

    Other words become any token of the texts, OTHER_SHARE as often, and CUT_SHARE of the texts end too early.
    """
    kinds = _kinds(tokenizer)
    others = sorted({token for example in examples for token in example.tokens[example.lines[0][0] :]})
    end = tokenizer.token_to_id(LINE_END)

    def replaced(token: int) -> int:
        if token in kinds:
            return dice.choice(kinds[token])
        return dice.choice(others) if token != end and dice.random() < OTHER_SHARE else token

    def copy(example: Example) -> Example:
        first = example.lines[0][0]
        lines = [replaced(token) if dice.random() < share else token for token in example.tokens[first:]]
        if dice.random() < CUT_SHARE:
            lines = lines[: dice.randint(1, len(lines) - 1)]
        tokens = [*example.tokens[:first], *lines]
        tokens += [] if tokens[-1] == end else [end]
        return replace(example, tokens=tokens, lines=line_bounds(tokenizer, tokens), places=[], targets=[])

    return [copy(example) for example in examples]


def _kinds(tokenizer: Tokenizer) -> dict[int, list[int]]:
    """For each digit, at the start of a number or within, and each operator: the tokens of its kind."""
    digits = [str(digit) for digit in range(10)]
    texts = [digits, [f"Ġ{digit}" for digit in digits], [f"Ġ{sign}" for sign in OPERATORS]]
    kinds = [[tokenizer.token_to_id(text) for text in kind] for kind in texts]
    return {token: kind for kind in kinds for token in kind}
