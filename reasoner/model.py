"""A small model of the Llama architecture, as llama.cpp runs it: RMSNorm, rotary positions, SwiGLU, tied embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """`head` is the width of each head."""

    vocabulary: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    head: int = 32
    inner: int = 512
    context: int = 512
    epsilon: float = 1e-5
    theta: float = 10_000.0

    @property
    def all_heads(self) -> int:
        return self.heads * self.head


class Norm(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.epsilon

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.query = nn.Linear(shape.width, shape.all_heads, bias=False)
        self.key = nn.Linear(shape.width, shape.all_heads, bias=False)
        self.value = nn.Linear(shape.width, shape.all_heads, bias=False)
        self.out = nn.Linear(shape.all_heads, shape.width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """x: (batch, length, width), `mask` causal. Fused in single precision only: in bfloat16 its backward pass is slow."""
        batch, length, _ = x.shape
        query, key, value = (
            part(x).view(batch, length, self.shape.heads, self.shape.head).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        query, key = rotated(query, rotation), rotated(key, rotation)
        if query.dtype == torch.float32:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            return self.out(mixed.transpose(1, 2).flatten(2))
        scores = (query @ key.transpose(-1, -2)).float() * self.shape.head**-0.5
        weights = functional.softmax(scores + mask, dim=-1).to(value.dtype)
        return self.out((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm, self.inner_norm = Norm(shape), Norm(shape)
        self.attention = Attention(shape)
        self.gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.up = nn.Linear(shape.width, shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), rotation, mask)
        inner = self.inner_norm(x)
        return x + self.down(functional.silu(self.gate(inner)) * self.up(inner))


class Reasoner(nn.Module):
    """`head` makes logits of the last states; without a head of its own, the embedding does."""

    def __init__(self, shape: Shape, *, has_head: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False) if has_head else None
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """From tokens (batch, length) to logits (batch, length, vocabulary)."""
        return self.logits(self.norm(self.through(self.embedding(tokens), self.blocks)))

    def through(self, x: Tensor, blocks: Iterable[nn.Module]) -> Tensor:
        """x: (batch, length, width), before and after these blocks."""
        length = x.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        rotation = rotations(self.shape, length)
        for block in blocks:
            x = block(x, rotation, mask)
        return x

    def logits(self, states: Tensor) -> Tensor:
        return functional.linear(states, self.output_weight)

    @property
    def output_weight(self) -> Tensor:
        return self.embedding.weight if self.head is None else self.head.weight


def rotations(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head / 2)."""
    rates = shape.theta ** (-torch.arange(0, shape.head, 2).float() / shape.head)
    angles = torch.arange(length).float()[:, None] * rates[None]
    return angles.cos(), angles.sin()


def rotated(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate neighbouring pairs (2i, 2i + 1), as llama.cpp does for this architecture. x: (batch, heads, length, head)."""
    cosine, sine = (part.to(x.dtype) for part in rotation)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2)


CODE = 16
CODE_SHARE = 0.03  # Of the size of the embedding: so little that the old blocks' norms do not change.
CODE_SEED = 1


def deepened(model: Reasoner, blocks: int, scale: float) -> Reasoner:
    """A copy with more blocks, a head of its own, and a code of each token beside its embedding, CODE wide.

    The old blocks still do the same, and the new ones change nothing at first, since what they add is zero. What the old
    ones pass on is `scale` times as large, so that what new ones add, which start small, counts. Norms undo the scale.
    Old blocks do not touch the code: behind them it still identifies the token exactly, which their states do not. New
    blocks' norms raise it to a size of 1, so new blocks must not write there.
    """
    old = model.shape
    width = old.width + CODE
    kept = old.width / width  # A norm's mean is over more entries, and those of the code hardly count.
    shape = replace(old, width=width, layers=old.layers + blocks, epsilon=old.epsilon * scale**2 * kept)
    deep = Reasoner(shape, has_head=True)
    assert deep.head is not None
    code_size = CODE_SHARE * scale * model.embedding.weight.std().item()
    codes = torch.randn(old.vocabulary, CODE, generator=torch.Generator().manual_seed(CODE_SEED)) * code_size
    with torch.no_grad():
        deep.embedding.weight.copy_(torch.cat((scale * model.embedding.weight, codes), dim=1))
        for block, source in zip(deep.blocks, model.blocks, strict=False):
            _widen(block, source, scale, kept)
        for block in deep.blocks[old.layers :]:
            block.attention.out.weight.zero_()
            block.down.weight.zero_()
            for norm in (block.attention_norm, block.inner_norm):
                norm.weight[old.width :] = 1 / code_size
        deep.norm.weight[: old.width] = model.norm.weight * kept**0.5
        deep.head.weight.zero_()
    return deep


def _widen(block: nn.Module, source: nn.Module, scale: float, kept: float) -> None:
    """Copy the weights; whatever concerns the new entries is zero."""
    for name, weight in source.named_parameters():
        target = block.get_parameter(name)
        target.zero_()
        if name.endswith("norm.weight"):
            target[: len(weight)] = weight * kept**0.5
        elif name in ("attention.out.weight", "down.weight"):
            target[: len(weight)] = weight * scale
        else:
            target[:, : weight.shape[1]] = weight
