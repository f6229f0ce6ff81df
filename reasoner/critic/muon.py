"""Muon in single precision.

Torch's own iterates in bfloat16, which a processor without instructions for it emulates some thirty times slower.
Source: https://kellerjordan.github.io/posts/muon/, with its coefficients. As in https://arxiv.org/abs/2502.16982,
the root of the larger side makes the size of a step's entries the same for all shapes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = 3.4445, -4.7750, 2.0315
ITERATIONS = 5
MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """For matrices. Those of the same shape are orthogonalized together.

    A step's size is relative to a matrix's at the start, since those of the reward model differ a hundredfold.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], *, lr: float) -> None:
        super().__init__(matrices, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                by_shape.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in by_shape.items():
                updates = orthogonalized(torch.stack([self._momentum(matrix) for matrix in matrices]))
                for matrix, update in zip(matrices, updates, strict=True):
                    size = self.state[matrix]["size"] * max(shape) ** 0.5
                    matrix.add_(update, alpha=-group["lr"] * size)

    def _momentum(self, matrix: nn.Parameter) -> Tensor:
        """Nesterov's: the gradient, mixed with the mean of those so far."""
        assert matrix.grad is not None
        state = self.state[matrix]
        if "mean" not in state:
            state["mean"], state["size"] = torch.zeros_like(matrix), matrix.square().mean().sqrt().item()
        state["mean"].lerp_(matrix.grad, 1 - MOMENTUM)
        return matrix.grad.lerp(state["mean"], MOMENTUM)


def orthogonalized(matrices: Tensor) -> Tensor:
    """By Newton and Schulz: roughly the nearest matrices with orthogonal rows or columns. (count, rows, columns)."""
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    first, second, third = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = first * x + (second * gram + third * gram @ gram) @ x
    return x.mT if is_tall else x
