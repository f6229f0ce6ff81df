"""Labels against F1: does it pay to choose what people label? The exact checker stands in for the people.

Solutions are labeled round by round, each with as many as all rounds before it, and a PRM is trained on all labels so
far. It chooses the next round:

    random      solutions at random
    convincing  PRM800K's rule: four fifths wrong answers with the highest scores, one fifth the highest of the rest
    uncertain   solutions whose least certain step is nearest to a half
    mixed       half as uncertain, half at random
    even        solutions whose product over the steps is nearest to a half
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from reasoner.checker import check
from reasoner.gguf_file import read_gguf
from reasoner.loop.examples import labeled_lines, read_rows
from reasoner.loop.experiment import STEM, read_stem
from reasoner.loop.report import f1_of, first_error
from reasoner.loop.scoring import Lines, line_scores
from reasoner.loop.training import Recipe, train
from reasoner.serve import MODEL

ROUNDS = (15, 30, 60, 120)  # Labeled solutions after each round.
BATCHES, BATCH = 160, 8  # Of training, after each round: about so many batches.
POOL, HELD_OUT = 600, 400  # Solutions to choose from, and those on which F1 is measured.
WRONG_SHARE = 0.8
SEEDS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A solution that may be labeled. `marks` are what a person would say, up to the first error."""

    lines: Lines
    is_right: bool
    marks: list[bool]


@dataclass(frozen=True, slots=True)
class Point:
    """After a round: labeled solutions and steps, and how good the PRM is."""

    method: str
    seed: int
    solutions: int
    labels: int
    f1: float
    with_error: float
    without_error: float


Scores = Sequence[np.ndarray]
Choice = Callable[[Sequence[Pooled], Scores, int, random.Random], list[int]]


def choose_random(pool: Sequence[Pooled], scores: Scores, count: int, dice: random.Random) -> list[int]:
    return dice.sample(range(len(pool)), min(count, len(pool)))


def choose_convincing(pool: Sequence[Pooled], scores: Scores, count: int, dice: random.Random) -> list[int]:
    convincing = sorted(range(len(pool)), key=lambda place: -float(np.log(np.maximum(scores[place], 1e-12)).sum()))
    wrong = [place for place in convincing if not pool[place].is_right][: round(WRONG_SHARE * count)]
    taken = set(wrong)
    return wrong + [place for place in convincing if place not in taken][: count - len(wrong)]


def choose_uncertain(pool: Sequence[Pooled], scores: Scores, count: int, dice: random.Random) -> list[int]:
    return sorted(range(len(pool)), key=lambda place: float(np.abs(scores[place] - 0.5).min()))[:count]


def choose_mixed(pool: Sequence[Pooled], scores: Scores, count: int, dice: random.Random) -> list[int]:
    uncertain = choose_uncertain(pool, scores, count // 2, dice)
    rest = sorted(set(range(len(pool))).difference(uncertain))
    return uncertain + dice.sample(rest, min(count - len(uncertain), len(rest)))


def choose_even(pool: Sequence[Pooled], scores: Scores, count: int, dice: random.Random) -> list[int]:
    return sorted(range(len(pool)), key=lambda place: abs(float(np.prod(scores[place])) - 0.5))[:count]


CHOICES: dict[str, Choice] = {
    "random": choose_random,
    "convincing": choose_convincing,
    "uncertain": choose_uncertain,
    "mixed": choose_mixed,
    "even": choose_even,
}


def read_pool(path: Path) -> list[Pooled]:
    """The distinct solutions of a file of the format `orm`."""
    pool: dict[tuple[str, str], Pooled] = {}
    for row in read_rows(path):
        question, lines = row["prompt"].strip(), row["completion"].strip().split("\n")
        marks = [checked.is_right for checked in check(question, lines)]
        until = first_error(marks)
        own = Pooled((question, lines), row["label"], marks if until < 0 else marks[: until + 1])
        pool.setdefault((question, row["completion"]), own)
    return list(pool.values())


@dataclass(frozen=True, slots=True)
class Walk:
    """One method with one seed, through all rounds."""

    method: str
    seed: int
    folder: Path
    pool: list[Pooled]
    held_out: list[Lines]
    marks: list[list[bool]]


def walk(own: Walk) -> list[Point]:
    torch.set_num_threads(1)
    dice = random.Random(own.seed)
    reasoner, vocabulary = read_gguf(MODEL)
    tokenizer, stem = vocabulary.tokenizer(), read_stem(own.folder / STEM, reasoner, own.seed)
    rest, labeled, points = list(own.pool), list[Pooled](), list[Point]()
    scores: Scores = []
    for count in ROUNDS:
        # The first round is random for all.
        choose = CHOICES[own.method] if labeled else choose_random
        chosen = set(choose(rest, scores, count - len(labeled), dice))
        labeled += [solution for place, solution in enumerate(rest) if place in chosen]
        rest = [solution for place, solution in enumerate(rest) if place not in chosen]
        examples = [labeled_lines(tokenizer, *solution.lines, solution.marks) for solution in labeled]
        recipe = Recipe(epochs=max(1, round(BATCHES / ceil(count / BATCH))), batch=BATCH)
        model, _ = train(reasoner, stem, examples, recipe, own.seed)
        f1 = f1_of(line_scores(model, tokenizer, own.held_out), own.marks)
        labels = sum(len(solution.marks) for solution in labeled)
        points.append(Point(own.method, own.seed, len(labeled), labels, **f1))
        if count != ROUNDS[-1] and own.method != "random":
            scores = line_scores(model, tokenizer, [solution.lines for solution in rest])
    return points


def compare(
    folder: Path, pool: list[Pooled], held_out: list[Lines], marks: list[list[bool]], processes: int = 2
) -> list[Point]:
    """All methods with all seeds; writes `selection.json`. Takes POOL of the pool and HELD_OUT of the held-out solutions."""
    dice = random.Random(HELD_OUT)
    pool = dice.sample(pool, min(POOL, len(pool)))
    chosen = dice.sample(range(len(held_out)), min(HELD_OUT, len(held_out)))
    held_out, marks = [held_out[place] for place in chosen], [marks[place] for place in chosen]
    walks = [Walk(method, seed, folder, pool, held_out, marks) for seed in SEEDS for method in CHOICES]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        points = [point for own in workers.map(walk, walks) for point in own]
    (folder / "selection.json").write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")
    return points


def table(points: Sequence[Point]) -> str:
    """Mean F1 over the seeds and its range, by method and labeled solutions."""
    rows = [["labeled solutions", *map(str, ROUNDS)], ["---"] * (len(ROUNDS) + 1)]
    for method in CHOICES:
        cells = []
        for count in ROUNDS:
            own = [point for point in points if (point.method, point.solutions) == (method, count)]
            values = [100 * point.f1 for point in own]
            labels = np.mean([point.labels for point in own])
            cells.append(f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f}), {labels:.0f} labels")
        rows.append([method, *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
