"""Train the reasoner: `python -m reasoner.train FOLDER`. Takes 15 to 60 minutes on two cores.

The training is seeded and can be repeated; the last bits of the weights may differ between machines. A checkpoint is
written every 200 steps, and the next run resumes from it.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from reasoner.gguf_file import write_gguf
from reasoner.model import Reasoner, Shape
from reasoner.problems import Problem, clean_solution, problems, prompt
from reasoner.slips import drill, solution
from reasoner.tokenizer import make_vocabulary

SEED = 5
DOCUMENTS = 32  # Per step.
STEPS, WARM_UP, DECAY = 2600, 60, 0.45
RATE = 4e-3
IGNORED = -100
VALIDATION = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """tokens and targets: (documents, length); targets are IGNORED for tokens without a loss."""

    tokens: Tensor
    targets: Tensor


def share_of_drill(step: int) -> float:
    """The share of bare arithmetic: half at the start, hardly any at the end."""
    return 0.03 + 0.5 * max(0.0, 1 - step / (0.6 * STEPS))


def documents(seed: int) -> Iterator[list[tuple[str, str]]]:
    """The (question, solution) texts of each step."""
    dice = random.Random(seed)
    source = problems(seed, held_out=False)
    for step in itertools.count():
        batch: list[tuple[str, str]] = []
        for _ in range(DOCUMENTS):
            if dice.random() < share_of_drill(step):
                batch.append(("", "\n".join(drill(dice)) + "\n"))
            else:
                problem = next(source)
                batch.append((prompt(problem.question), "\n".join(solution(problem, dice)) + "\n"))
        yield batch


def as_batch(texts: list[tuple[str, str]], tokenizer: Tokenizer) -> Batch:
    rows = []
    for question, answer in texts:
        question_ids, answer_ids = tokenizer.encode(question).ids, tokenizer.encode(answer).ids
        rows.append(([0, *question_ids, *answer_ids, 0], 1 + len(question_ids)))
    length = max(len(ids) for ids, _ in rows) - 1
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), IGNORED)
    for row, (ids, start) in enumerate(rows):
        tokens[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        targets[row, start - 1 : len(ids) - 1] = torch.tensor(ids[start:])
    return Batch(tokens, targets)


def rate_at(step: int, steps: int = STEPS, rate: float = RATE) -> float:
    """The learning rate: warm-up, constant, then linear decay to 0 over the last part."""
    return rate * min(1.0, (step + 1) / WARM_UP, (steps - step) / (DECAY * steps))


def optimizers(model: Reasoner) -> list[torch.optim.Optimizer]:
    return optimizers_of(model.blocks, model.parameters())


def optimizers_of(blocks: nn.Module, weights: Iterable[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for the other weights."""
    matrices = [weight for weight in blocks.parameters() if weight.dim() == 2]
    matrix_ids = set(map(id, matrices))
    rest = [weight for weight in weights if id(weight) not in matrix_ids]
    return [
        torch.optim.Muon(matrices, lr=RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def loss_of(model: Reasoner, batch: Batch) -> Tensor:
    logits = model(batch.tokens)
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED)


def validate(model: Reasoner, held_out: list[Problem], tokenizer: Tokenizer) -> tuple[float, float]:
    """The loss on clean solutions, and greedy accuracy: the share in which every token is the likeliest."""
    texts = [(prompt(problem.question), "\n".join(clean_solution(problem)) + "\n") for problem in held_out]
    batch = as_batch(texts, tokenizer)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = model(batch.tokens).float()
    loss = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED)
    right = (logits.argmax(-1) == batch.targets) | (batch.targets == IGNORED)
    return float(loss), float(right.all(-1).float().mean())


def save(path: Path, **parts: Any) -> None:
    new = path.with_suffix(".new")
    torch.save(parts, new)
    new.replace(path)


def resume(checkpoint: Path, model: Reasoner, chosen: list[torch.optim.Optimizer]) -> int:
    """Load the checkpoint, if there is one; returns the number of steps that were made."""
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint)
    model.load_state_dict(saved["model"])
    for optimizer, state in zip(chosen, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    return int(saved["step"])


def save_checkpoint(checkpoint: Path, model: Reasoner, chosen: list[torch.optim.Optimizer], step: int) -> None:
    states = [optimizer.state_dict() for optimizer in chosen]
    save(checkpoint, model=model.state_dict(), optimizers=states, step=step)


def descend(chosen: list[torch.optim.Optimizer], rate: float) -> None:
    """One step by the gradients, which are then cleared."""
    for optimizer in chosen:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    vocabulary = make_vocabulary()
    tokenizer = vocabulary.tokenizer()
    model = Reasoner(Shape(len(vocabulary.tokens)))
    chosen, checkpoint = optimizers(model), folder / "checkpoint.pt"
    first = resume(checkpoint, model, chosen)
    held_out = list(itertools.islice(problems(SEED + 1, held_out=True), VALIDATION))
    started = time.monotonic()
    for step, texts in itertools.islice(enumerate(documents(SEED)), first, STEPS):
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, as_batch(texts, tokenizer))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        descend(chosen, rate_at(step))
        if (step + 1) % 100 == 0:
            validation_loss, greedy = validate(model, held_out, tokenizer)
            print(
                f"step {step + 1} of {STEPS}: loss {loss.item():.4f}, held out {validation_loss:.4f}, greedy {greedy:.3f}, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
        if (step + 1) % 200 == 0:
            save_checkpoint(checkpoint, model, chosen, step + 1)
    write_gguf(folder / "reasoner.gguf", model, vocabulary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
