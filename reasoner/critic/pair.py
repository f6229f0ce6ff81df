"""Two processes with one thread each share the work of a step, which loses less on a busy machine than two threads do.

The weights are in memory that both see. Each process makes the same batches from the same seed, and takes its half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import BrokenBarrierError
from typing import Any

import torch
from torch import Tensor, multiprocessing, nn

from reasoner.model import Reasoner
from reasoner.train import Batch

# Of the four groups of a step, which are sorted by length: equal amounts of work.
HALVES = (0, 3), (1, 2)
PATIENCE_S = 600

Backward = Callable[[Reasoner, Sequence[Batch], Sequence[int]], float]


@dataclass(frozen=True, slots=True)
class Shared:
    """What both processes have. `batches` returns the groups of each step, and `backward` adds up gradients of some."""

    model: Reasoner
    batches: Callable[[], Iterator[Sequence[Batch]]]
    backward: Backward
    gradients: Tensor
    loss: Tensor
    barrier: Any


class Pair:
    """This process and another one, which ends with it."""

    def __init__(self, model: Reasoner, batches: Callable[[], Iterator[Sequence[Batch]]], backward: Backward) -> None:
        model.share_memory()
        context = multiprocessing.get_context("spawn")
        self.weights = trained(model)
        self.sizes = [weight.numel() for weight in self.weights]
        gradients, loss = torch.zeros(sum(self.sizes)).share_memory_(), torch.zeros(1).share_memory_()
        self.shared = Shared(model, batches, backward, gradients, loss, context.Barrier(2))
        context.Process(target=assist, args=(self.shared,), daemon=True).start()

    def backward(self, groups: Sequence[Batch]) -> float:
        """Add up the gradients of the mean loss of all groups; returns it."""
        shared = self.shared
        shared.barrier.wait(PATIENCE_S)
        mean = shared.backward(shared.model, groups, HALVES[0])
        shared.barrier.wait(PATIENCE_S)
        for weight, other in zip(self.weights, shared.gradients.split(self.sizes), strict=True):
            assert weight.grad is not None
            weight.grad.add_(other.view_as(weight))
        return mean + float(shared.loss)


def trained(model: Reasoner) -> list[nn.Parameter]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def assist(shared: Shared) -> None:
    """The other process: compute the gradients of its half of each step."""
    torch.set_num_threads(1)
    for groups in shared.batches():
        shared.model.zero_grad(set_to_none=True)
        try:
            shared.barrier.wait(PATIENCE_S)
            shared.loss.fill_(shared.backward(shared.model, groups, HALVES[1]))
            gradients = [weight.grad for weight in trained(shared.model)]
            shared.gradients.copy_(torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]))
            shared.barrier.wait(PATIENCE_S)
        except BrokenBarrierError:
            return  # The first process has ended.
