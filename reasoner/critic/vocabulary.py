"""The vocabulary with the words of critiques, and the critic before its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from reasoner.model import CODE, Reasoner
from reasoner.tokenizer import SPACE, Vocabulary

GOOD, BAD = "+", "-"
VERDICTS = "right", "wrong"
CODE_SEED = 2
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


def new_critic(prm: Reasoner, reasoner: Reasoner, old: Vocabulary, vocabulary: Vocabulary) -> Reasoner:
    """The reward model, which knows what is wrong, with the words of critiques, and the head with which the reasoner writes.

    A new token is the mean of what spelled it, with a code of its own (see `model.deepened`).
    """
    critic = Reasoner(replace(prm.shape, vocabulary=len(vocabulary.tokens)), has_head=True)
    assert critic.head is not None
    assert prm.head is not None
    weights = prm.state_dict()
    kept = {name: weight for name, weight in weights.items() if name not in ("embedding.weight", "head.weight")}
    critic.load_state_dict(kept, strict=False)
    known, width = reasoner.embedding.weight.shape
    spelling = old.tokenizer()
    spelled = [spelling.encode(token.replace(SPACE, " ")).ids for token in vocabulary.tokens[known:]]
    codes = prm.embedding.weight[:, width:]
    dice = torch.Generator().manual_seed(CODE_SEED)
    with torch.no_grad():
        means = torch.stack([prm.embedding.weight[ids].mean(dim=0) for ids in spelled])
        means[:, width:] = torch.randn(len(spelled), CODE, generator=dice) * codes.std()
        critic.embedding.weight.copy_(torch.cat((prm.embedding.weight, means)))
        critic.head.weight.zero_()
        critic.head.weight[:known, :width] = reasoner.embedding.weight
        critic.head.weight[known:, :width] = torch.stack(
            [reasoner.embedding.weight[ids].mean(dim=0) for ids in spelled]
        )
        for label, word in zip(labels(vocabulary), VERDICTS, strict=True):
            critic.head.weight[label] = prm.head.weight[label]
            critic.head.weight[vocabulary.tokens.index(SPACE + word)] += prm.head.weight[label]
        # A marker stands where the reasoner writes `Step`.
        critic.embedding.weight[-len(MARKERS) :] = prm.embedding.weight[old.tokens.index("Step")].clone()
    return critic


def labels(vocabulary: Vocabulary) -> tuple[int, int]:
    """The tokens of a good and of a bad step."""
    return vocabulary.tokens.index(GOOD), vocabulary.tokens.index(BAD)
