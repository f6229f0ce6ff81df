"""Train the reasoner: `python -m reasoner.train FOLDER`. Two cores take from a quarter of an hour to an hour.

Everything is counted in steps and seeded, so that the recipe can be run again; the weights may still differ in their
last bits between machines. A checkpoint is written every 200 steps, and a run goes on from the last.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from reasoner.gguf_file import write_gguf
from reasoner.model import Reasoner, Shape
from reasoner.problems import Problem, clean_solution, problems, prompt
from reasoner.slips import drill, solution
from reasoner.tokenizer import make_vocabulary

SEED = 5
DOCUMENTS = 32  # In a step.
STEPS, WARM_UP, DECAY = 2600, 60, 0.45
RATE = 4e-3
IGNORED = -100
VALIDATION = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """tokens and targets: (documents, length); targets are IGNORED where nothing is to be learned."""

    tokens: Tensor
    targets: Tensor


def share_of_drill(step: int) -> float:
    """Much arithmetic at the start, hardly any at the end."""
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
        asked, told = tokenizer.encode(question).ids, tokenizer.encode(answer).ids
        rows.append(([0, *asked, *told, 0], 1 + len(asked)))
    length = max(len(ids) for ids, _ in rows) - 1
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), IGNORED)
    for row, (ids, start) in enumerate(rows):
        tokens[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        targets[row, start - 1 : len(ids) - 1] = torch.tensor(ids[start:])
    return Batch(tokens, targets)


def rate_at(step: int) -> float:
    """Warm-up, constant, linear decay to nothing over the last part."""
    return RATE * min(1.0, (step + 1) / WARM_UP, (STEPS - step) / (DECAY * STEPS))


def optimizers(model: Reasoner) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for embedding and norms."""
    matrices = [weight for weight in model.blocks.parameters() if weight.dim() == 2]
    chosen = set(map(id, matrices))
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def loss_of(model: Reasoner, batch: Batch) -> Tensor:
    logits = model(batch.tokens)
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED)


def validate(model: Reasoner, held_out: list[Problem], tokenizer: Tokenizer) -> tuple[float, float]:
    """Loss on clean solutions, and the share in which every token is the likeliest: greedy accuracy."""
    texts = [(prompt(one.question), "\n".join(clean_solution(one)) + "\n") for one in held_out]
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


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    vocabulary = make_vocabulary()
    tokenizer = vocabulary.tokenizer()
    model = Reasoner(Shape(len(vocabulary.tokens)))
    chosen, checkpoint, first = optimizers(model), folder / "checkpoint.pt", 0
    if checkpoint.exists():
        kept = torch.load(checkpoint)
        model.load_state_dict(kept["model"])
        for optimizer, state in zip(chosen, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        first = kept["step"]
    held_out = list(itertools.islice(problems(SEED + 1, held_out=True), VALIDATION))
    started = time.monotonic()
    for step, texts in itertools.islice(enumerate(documents(SEED)), first, STEPS):
        for optimizer in chosen:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, as_batch(texts, tokenizer))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in chosen:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 100 == 0:
            told, greedy = validate(model, held_out, tokenizer)
            print(
                f"step {step + 1} of {STEPS}: loss {loss.item():.4f}, held out {told:.4f}, greedy {greedy:.3f}, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
        if (step + 1) % 200 == 0:
            states = [optimizer.state_dict() for optimizer in chosen]
            save(checkpoint, model=model.state_dict(), optimizers=states, step=step + 1)
    write_gguf(folder / "reasoner.gguf", model, vocabulary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
