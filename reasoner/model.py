"""A small model of the Llama architecture, as llama.cpp runs it: RMSNorm, rotary positions, SwiGLU, tied embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    vocabulary: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    inner: int = 512
    context: int = 512
    epsilon: float = 1e-5
    theta: float = 10_000.0

    @property
    def head(self) -> int:
        return self.width // self.heads

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


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
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, shape.width, bias=False)
        self.value = nn.Linear(shape.width, shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """x: (batch, length, width). Not fused, because the backward pass of fused attention in bfloat16 is slow on a CPU."""
        batch, length, width = x.shape
        query, key, value = (
            part(x).view(batch, length, self.shape.heads, self.shape.head).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        query, key = rotated(query, rotation), rotated(key, rotation)
        scores = (query @ key.transpose(-1, -2)).float() * self.shape.head**-0.5
        weights = functional.softmax(scores + mask, dim=-1).to(value.dtype)
        return self.out((weights @ value).transpose(1, 2).reshape(batch, length, width))


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


def deepened(model: Reasoner, blocks: int, scale: float) -> Reasoner:
    """A copy with more blocks and a head of its own. The blocks change nothing at first, since what they add is zero.

    What the old blocks pass on is `scale` times as large, so that new ones, which start small, are heard. Norms undo the
    scale, hence the old blocks still do the same.
    """
    shape = model.shape
    deep = Reasoner(replace(shape, layers=shape.layers + blocks, epsilon=shape.epsilon * scale**2), has_head=True)
    deep.load_state_dict(model.state_dict(), strict=False)
    assert deep.head is not None
    with torch.no_grad():
        for block in deep.blocks[: shape.layers]:
            block.attention.out.weight.mul_(scale)
            block.down.weight.mul_(scale)
        deep.embedding.weight.mul_(scale)
        for block in deep.blocks[shape.layers :]:
            block.attention.out.weight.zero_()
            block.down.weight.zero_()
        deep.head.weight.zero_()
    return deep
