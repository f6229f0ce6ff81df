"""The reward model's vocabulary with the words of critiques."""

from __future__ import annotations

from collections.abc import Sequence

from reasoner.tokenizer import Vocabulary

GOOD, BAD = "+", "-"
VERDICTS = "right", "wrong"
WORDS = (
    "Critique",
    "boxed",
    " right",
    " wrong",
    " result",
    " numbers",
    " operation",
    " answer",
    " step",
    "Nothing",
    " follows",
)
MARKERS = tuple(f"[{index}] " for index in range(10))  # Before each step, of which no problem has so many.


def with_words(vocabulary: Vocabulary, words: Sequence[str] = WORDS) -> Vocabulary:
    """Each word becomes one token, and each marker. All that was one token stays one, since the new merges come last."""
    tokens, merges = list(vocabulary.tokens), list(vocabulary.merges)
    for word in words:
        encoded = Vocabulary(tokens, merges).tokenizer().encode(word).tokens
        while len(encoded) > 1:
            left, right, *others = encoded
            merges.append((left, right))
            if left + right not in tokens:
                tokens.append(left + right)
            encoded = [left + right, *others]
    return Vocabulary([*tokens, *MARKERS], merges, len(MARKERS))


def labels(vocabulary: Vocabulary) -> tuple[int, int]:
    """The tokens of a good and of a bad step."""
    return vocabulary.tokens.index(GOOD), vocabulary.tokens.index(BAD)
