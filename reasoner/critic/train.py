"""Train the critic: `python -m reasoner.critic.train FOLDER`. Took 25 minutes on two cores.

It starts from the reward model, which knows what a wrong step is. It learns to read markers (`reading`), and then new blocks
learn to write. The old ones stay as they are meanwhile: trained too, they forgot much of what they knew of wrong results. The
training is seeded and can be repeated; the last bits of the weights may differ between machines. A checkpoint is written
every 25 steps with the model so far, and the next run resumes from it.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from reasoner.critic.initial_model import NEW_BLOCKS, deeper, new_critic
from reasoner.critic.muon import Muon
from reasoner.critic.pair import Pair
from reasoner.critic.reading import learn_to_read
from reasoner.critic.solutions import Solved, sampled_solutions, training_solutions
from reasoner.critic.texts import Writing, batch_of, writing_of
from reasoner.critic.vocabulary import VERDICTS, with_words
from reasoner.gguf_file import read_gguf, write_gguf
from reasoner.loop.stem import keep_codes
from reasoner.model import Reasoner
from reasoner.serve import MODEL, PRM
from reasoner.tokenizer import SPACE, Vocabulary
from reasoner.train import IGNORED, Batch, descend, rate_at, resume, save, save_checkpoint

SEED = 21
SAMPLED = 12_000
DOCUMENTS, GROUP = 32, 8  # Per step, and at once: those in a group are of about the same length.
STEPS = 950
RATE = 0.008  # Muon's, of the size of a matrix.
HEAD_RATE = 1e-3  # AdamW's.
VERDICT_WEIGHTS = 5.0, 10.0  # In the loss, of the words for a right and for a wrong step.
VALIDATION, CHECKED = 64, 25  # Solutions, and steps between checkpoints.
WATCHED = SPACE + "right", SPACE + "wrong"
# A chat is its messages, verbatim.
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def training_batches(folder: Path, writing: Writing, first: int) -> Iterator[list[Batch]]:
    """The groups of each step from `first` on."""
    sampled = sampled_solutions(folder / "solutions.jsonl", SAMPLED, SEED)
    solutions = training_solutions(sampled, SEED + 2)
    for step in range(STEPS):
        chosen = sorted(itertools.islice(solutions, DOCUMENTS), key=lambda solved: sum(map(len, solved.steps)))
        if step < first:
            continue
        yield [batch_of(chosen[start : start + GROUP], writing) for start in range(0, DOCUMENTS, GROUP)]


def backward(model: Reasoner, groups: Sequence[Batch], chosen: Sequence[int], weights: Tensor) -> float:
    """Add up the gradients of the chosen groups' part of the mean loss of all tokens; returns it.

    `weights` are the tokens' in the loss.
    """
    count = sum(int((batch.targets != IGNORED).sum()) for batch in groups)
    mean = 0.0
    for place in chosen:
        batch = groups[place]
        wanted = batch.targets != IGNORED
        states = model.norm(model.through(model.embedding(batch.tokens), model.blocks))
        logits = model.logits(states[wanted])
        loss = functional.cross_entropy(logits, batch.targets[wanted], weights, reduction="sum") / count
        loss.backward()
        mean += loss.item()
    return mean


def token_weights(vocabulary: Vocabulary) -> Tensor:
    """One, but more for the words that say whether a step is right, which are few."""
    weights = torch.ones(len(vocabulary.tokens))
    for word, weight in zip(VERDICTS, VERDICT_WEIGHTS, strict=True):
        weights[vocabulary.tokens.index(SPACE + word)] = weight
    return weights


@torch.no_grad()
def validate(model: Reasoner, solutions: Sequence[Solved], writing: Writing) -> str:
    """The shares of tokens and of verdicts that are the likeliest, given the right ones before them."""
    right: dict[str, list[bool]] = {}
    for start in range(0, len(solutions), GROUP):
        batch = batch_of(solutions[start : start + GROUP], writing)
        wanted = batch.targets != IGNORED
        targets = batch.targets[wanted].tolist()
        for target, likeliest in zip(targets, model(batch.tokens)[wanted].argmax(-1).tolist(), strict=True):
            text = str(writing.tokenizer.id_to_token(target))
            kind = text if text in WATCHED else "other"
            right.setdefault(kind, []).append(target == likeliest)
    return ", ".join(f"{kind} {sum(hits) / len(hits):.3f}" for kind, hits in sorted(right.items()))


def held_out_solutions(count: int) -> list[Solved]:
    """Half of them with an error, though not sampled ones."""
    return list(itertools.islice(training_solutions([], SEED + 1, sampled_share=0, held_out=True), count))


def reader(folder: Path, sampled: Sequence[Solved], held_out: Sequence[Solved]) -> tuple[Reasoner, Vocabulary]:
    """The critic that has learned to read, with the new blocks; the former is kept in the folder."""
    prm, old = read_gguf(PRM)
    vocabulary = with_words(old)
    model, path = new_critic(prm, read_gguf(MODEL)[0], old, vocabulary), folder / "reader.pt"
    if not path.exists():
        learn_to_read(model, training_solutions(sampled, SEED + 3), writing_of(vocabulary), held_out)
        save(path, model=model.state_dict())
    model.load_state_dict(torch.load(path)["model"])
    return deeper(model), vocabulary


@dataclass(frozen=True, slots=True)
class Optimizers:
    """Muon for the new blocks' matrices, and AdamW for their norms, the last norm and the head. The rest stays as it is."""

    matrices: Muon
    rest: torch.optim.AdamW

    @classmethod
    def of(cls, model: Reasoner) -> Self:
        learned = [
            weight for part in (*model.blocks[-NEW_BLOCKS:], model.norm, model.head) for weight in part.parameters()
        ]
        model.requires_grad_(requires_grad=False)
        for weight in learned:
            weight.requires_grad_(requires_grad=True)
        matrices = [weight for weight in model.blocks[-NEW_BLOCKS:].parameters() if weight.dim() == 2]
        rest = [weight for weight in learned if weight is model.head.weight or weight.dim() == 1]
        return cls(Muon(matrices, lr=RATE), torch.optim.AdamW(rest, lr=HEAD_RATE, betas=(0.9, 0.98), weight_decay=0.0))

    @property
    def all(self) -> list[torch.optim.Optimizer]:
        return [self.matrices, self.rest]

    def descend(self, step: int) -> None:
        descend([self.matrices], rate_at(step, STEPS, RATE))
        descend([self.rest], rate_at(step, STEPS, HEAD_RATE))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    held_out = held_out_solutions(VALIDATION)
    model, vocabulary = reader(folder, sampled_solutions(folder / "solutions.jsonl", SAMPLED, SEED), held_out)
    optimizers, checkpoint, writing = Optimizers.of(model), folder / "checkpoint.pt", writing_of(vocabulary)
    first = resume(checkpoint, model, optimizers.all)
    source = partial(training_batches, folder, writing, first)
    torch.set_num_threads(1)
    pair = Pair(model, source, partial(backward, weights=token_weights(vocabulary)))
    started = time.monotonic()
    for step, groups in enumerate(source(), start=first):
        loss = pair.backward(groups)
        keep_codes(model.blocks[-NEW_BLOCKS:])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.descend(step)
        if (step + 1) % 5 == 0:
            print(f"step {step + 1} of {STEPS}: loss {loss:.4f}, {time.monotonic() - started:.0f} s", flush=True)
        if (step + 1) % CHECKED == 0:
            save_checkpoint(checkpoint, model, optimizers.all, step + 1)
            name = "Annotate's critic"
            write_gguf(folder / "critic.gguf", model, vocabulary, name, CHAT_TEMPLATE, is_quantized=True)
            print(validate(model, held_out, writing), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    # The threads of the server that has sampled do not end by themselves.
    sys.stdout.flush()
    os._exit(0)
