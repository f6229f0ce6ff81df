"""The critic before its training: the reward model with new words and new blocks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from reasoner.critic.vocabulary import MARKERS, VERDICTS, labels
from reasoner.model import CODE, Reasoner
from reasoner.tokenizer import SPACE, Vocabulary

SEED = 2
NEW_BLOCKS = 3
FREE = 16  # Entries of a state that the reward model does not have; with them, a width is a multiple of 32.
SIZES = {"attention.out.weight": 0.03, "down.weight": 0.03}  # Standard deviations of the new blocks' matrices.
SIZE = 0.04  # Of the others.


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
    dice = torch.Generator().manual_seed(SEED)
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


def deeper(model: Reasoner) -> Reasoner:
    """A copy with new blocks behind the old ones, and with FREE entries in the states, before the codes of the tokens.

    What a reply looks up in a step must be there before the block that looks. The reward model knows only behind its last
    block whether a step is wrong, so nothing but new blocks can fetch it.
    """
    old, kept = model.shape, model.shape.width / (model.shape.width + FREE)  # A norm's mean is over more entries.
    shape = replace(old, width=old.width + FREE, layers=old.layers + NEW_BLOCKS, epsilon=old.epsilon * kept)
    deep = Reasoner(shape, has_head=True)
    with torch.no_grad():
        for name, weight in deep.named_parameters():
            if name.startswith(tuple(f"blocks.{index}." for index in range(old.layers))) or "blocks" not in name:
                weight.copy_(_widened(name, model.get_parameter(name), kept**0.5))
        last, dice = model.blocks[-1], torch.Generator().manual_seed(SEED)
        for block in deep.blocks[old.layers :]:
            for name, weight in block.named_parameters():
                if name.endswith("norm.weight"):
                    weight.copy_(_widened(name, last.get_parameter(name), kept**0.5))
                else:
                    weight.normal_(std=SIZES.get(name, SIZE), generator=dice)
            block.attention.out.weight[-CODE:] = 0
            block.down.weight[-CODE:] = 0
    return deep


def _widened(name: str, weight: Tensor, scale: float) -> Tensor:
    """With FREE entries more per state: nothing is written there, and the old weights do not read them."""
    if weight.dim() == 1:
        return torch.cat((weight[:-CODE] * scale, torch.ones(FREE), weight[-CODE:] * scale))
    if name.endswith(("attention.out.weight", "down.weight")):
        return torch.cat((weight[:-CODE], torch.zeros(FREE, weight.shape[1]), weight[-CODE:]))
    return torch.cat((weight[:, :-CODE], torch.zeros(len(weight), FREE), weight[:, -CODE:]), dim=1)
