"""A small model of the Llama architecture, as llama.cpp runs it: RMSNorm, rotary positions, SwiGLU, tied embeddings."""

from __future__ import annotations

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
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """From tokens (batch, length) to logits (batch, length, vocabulary)."""
        return self.logits(self.states(tokens))

    def logits(self, states: Tensor) -> Tensor:
        return functional.linear(states, self.embedding.weight)

    def states(self, tokens: Tensor) -> Tensor:
        """From tokens (batch, length) to the last states (batch, length, width), of which logits are made."""
        length = tokens.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        rotation = rotations(self.shape, length)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, rotation, mask)
        return self.norm(x)


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


def deepened(model: Reasoner, blocks: int) -> Reasoner:
    """A copy with more blocks, which change nothing at first, since what they add is zero."""
    deep = Reasoner(replace(model.shape, layers=model.shape.layers + blocks))
    deep.load_state_dict(model.state_dict(), strict=False)
    for block in deep.blocks[model.shape.layers :]:
        nn.init.zeros_(block.attention.out.weight)
        nn.init.zeros_(block.down.weight)
    return deep
