"""From problems to best-of-N: labels made by the product, three kinds of reward models trained on them, and choices by each.

Reward models are trained and measured with each seed on the same labels; the product samples, estimates, exports and,
for the first seed, scores.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reasoner.checker import check
from reasoner.gguf_file import read_gguf, write_gguf
from reasoner.loop.critic import (
    add_words,
    critique_examples,
    new_words,
    read_critiques,
    verdict_shares,
    with_words,
)
from reasoner.loop.curves import Sampled, distinct_solutions
from reasoner.loop.examples import answer_examples, questions_of, read_rows, step_examples
from reasoner.loop.product import Product, served
from reasoner.loop.scoring import Lines, line_scores, log_likelihoods
from reasoner.loop.stem import Stem, new_stem
from reasoner.loop.training import Recipe, make_stem, train
from reasoner.model import Reasoner
from reasoner.problems import problems
from reasoner.serve import MODEL

TEXTS, TRAINING, HELD_OUT = "loop-texts", "loop-training", "loop-held-out"
Key = tuple[str, tuple[str, ...]]

PRM, ORM, VERIFIER, LIKELIHOOD = "prm", "orm", "verifier", "likelihood"
STEM, STEM_FIGURES, STEM_SEED = "stem.pt", "stem.json", 5
STEM_RECIPE = Recipe(epochs=6, rate=4e-3)
LABEL_RECIPE = Recipe(epochs=12)
CRITIQUE_RECIPE = Recipe(epochs=8, rate=3e-3, blocks=3)


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is sampled and trained. Texts, which are read without labels, cost little; few solutions are labeled."""

    seeds: tuple[int, ...] = (1, 2, 3)
    first_problem_seed: int = 71  # The settings were chosen on problems of other seeds.
    text_problems: int = 1000
    per_text_problem: int = 3
    labeled: tuple[int, ...] = (100, 200)  # Reward models learn from so many solutions, of one problem each.
    held_out_problems: int = 100
    per_held_out_problem: int = 64
    temperature: float = 1.6
    strategy: str = "posterior-search"
    after_first_error: str = "negative"
    stem_recipe: Recipe = STEM_RECIPE
    recipe: Recipe = LABEL_RECIPE
    critique_recipe: Recipe = CRITIQUE_RECIPE
    critiques: int = 1
    processes: int = 2


@dataclass
class Clock:
    """Seconds of each part, by name."""

    parts: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def stop(self, name: str) -> None:
        now = time.monotonic()
        self.parts[name] = round(now - self._since, 1)
        print(f"{name}: {self.parts[name]:.0f} s", flush=True)
        self._since = now


# --- the product's part -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Files:
    """What the product exported. `texts` are of the format `orm`; their labels are not used."""

    texts: Path
    steps: Path
    answers: Path
    critiques: Path
    held_out: Path


def add_problems(product: Product, url: str, settings: Settings) -> None:
    """Three projects, and the reasoner at this address as an endpoint."""
    counts = {TEXTS: settings.text_problems, TRAINING: max(settings.labeled), HELD_OUT: settings.held_out_problems}
    for number, (project, count) in enumerate(counts.items()):
        own = problems(settings.first_problem_seed + number, held_out=project == HELD_OUT)
        product.add_problems(project, islice(own, count))
    product.add_endpoint("reasoner", url)


def sample_texts(product: Product, settings: Settings) -> Path:
    """The solutions from which the stem learns, as a file of the format `orm`."""
    _sample(product, TEXTS, settings.per_text_problem, settings)
    return product.export(TEXTS, "orm", {})


def make_labels(product: Product, texts: Path, settings: Settings, clock: Clock) -> Files:
    """Sample, estimate and export, each by the product's command."""
    for project, count in ((TRAINING, 1), (HELD_OUT, settings.per_held_out_problem)):
        _sample(product, project, count, settings)
        clock.stop(f"sample {project}")
    product.run(
        *("estimate", "--project", TRAINING, "--endpoint", "reasoner", "--strategy", settings.strategy),
        *("--max-tokens", 200, "--seed", 1, "--wait"),
    )
    clock.stop("estimate")
    policy = {"sources": ["monte_carlo_hard"], "after_first_error": settings.after_first_error}
    critiques = {"sources": ["monte_carlo_hard"], "critiques": ["rollouts"]}
    files = Files(
        texts=texts,
        steps=product.export(TRAINING, "trl-prm", policy),
        answers=product.export(TRAINING, "orm", {}),
        critiques=product.export(TRAINING, "verifier-sft", critiques),
        held_out=product.export(HELD_OUT, "annotate", {}),
    )
    clock.stop("export")
    return files


def _sample(product: Product, project: str, count: int, settings: Settings) -> None:
    product.run(
        *("sample", "--project", project, "--endpoint", "reasoner", "--per-problem", count),
        *("--temperature", settings.temperature, "--max-tokens", 200, "--seed", 1, "--keep-repeated", "--wait"),
    )


def read_samples(path: Path, count: int) -> list[Sampled]:
    """The solutions of each problem in a file of the format `annotate`, checked exactly.

    Problems with fewer than `count` are left out: a completion that was cut off is no solution.
    """
    by_question: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(path):
        by_question.setdefault(row["problem"]["statement"], []).append(row["solution"])
    return [_sampled(question, solutions) for question, solutions in by_question.items() if len(solutions) >= count]


def _sampled(question: str, solutions: Sequence[dict[str, Any]]) -> Sampled:
    lines = [[step["text"] for step in solution["steps"]] for solution in solutions]
    return Sampled(
        question=question,
        lines=lines,
        answers=[solution["final_answer"] for solution in solutions],
        is_right=[solution["is_correct"] is True for solution in solutions],
        marks=[[checked.is_right for checked in check(question, own)] for own in lines],
    )


def score_by_product(product: Product, model: Path) -> tuple[dict[Key, dict[int, float]], dict[str, Any]]:
    """The scores of `manage.py score` by position, with the model served by llama.cpp, and the counts of its run.

    A step has none if neither `+` nor `-` is among the likeliest tokens behind it.
    """
    with served(model, PRM) as url:
        product.add_endpoint(PRM, url)
        run = product.run(
            *("score", "--project", HELD_OUT, "--endpoint", PRM, "--kind", "token_probability"),
            *("--preset", "annotate", "--wait"),
        )
    path = product.export(HELD_OUT, "annotate", {})
    scores: dict[Key, dict[int, float]] = {}
    for row in read_rows(path):
        key = row["problem"]["statement"], tuple(step["text"] for step in row["solution"]["steps"])
        scores[key] = {step["position"]: step["score"] for run in row["scores"] for step in run["steps"]}
    return scores, run


# --- training and scoring -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One model of one seed: trained on a file's rows about `questions`, and asked about solutions."""

    kind: str
    seed: int
    labeled: int
    questions: frozenset[str]
    path: Path
    solutions: list[Lines]
    settings: Settings
    folder: Path


def gguf_name(kind: str, labeled: int, seed: int) -> str:
    return f"{kind}-{labeled}-{seed}.gguf"


@dataclass(frozen=True, slots=True)
class Result:
    """`scores` has one array per solution: of its lines, or of the whole."""

    kind: str
    seed: int
    labeled: int
    scores: list[np.ndarray]
    losses: list[float]
    cpu_s: float


def train_all(files: Files, held_out: Sequence[Sampled], settings: Settings, folder: Path) -> list[Result]:
    """All models of all seeds, `processes` at a time, one thread each. Repeated texts are scored once."""
    distinct = [(question, list(lines)) for question, lines in distinct_solutions(held_out)]
    paths = {PRM: files.steps, ORM: files.answers}
    # All kinds learn from the same solutions, of one question each: the files differ in their order.
    questions, most = questions_of(files.steps), max(settings.labeled)
    first = {count: frozenset(questions[:count]) for count in settings.labeled}
    # The longest first, so that no process waits for one at the end.
    jobs = [
        Job(VERIFIER, seed, most, first[most], files.critiques, distinct, settings, folder) for seed in settings.seeds
    ]
    jobs += [
        Job(kind, seed, count, own, path, distinct, settings, folder)
        for seed in settings.seeds
        for count, own in first.items()
        for kind, path in paths.items()
    ]
    with ProcessPoolExecutor(settings.processes, mp_context=get_context("spawn")) as pool:
        likelihood = pool.submit(score_by_likelihood, distinct)
        return [*pool.map(run_job, jobs), likelihood.result()]


def write_stem(folder: Path, texts: Path, settings: Settings) -> None:
    """Write the stem from which all models begin, made from the texts of a file of the format `orm`, and its figures."""
    torch.set_num_threads(1)
    started = time.process_time()
    reasoner, vocabulary = read_gguf(MODEL)
    tokenizer = vocabulary.tokenizer()
    stem, losses = make_stem(reasoner, answer_examples(texts, tokenizer), tokenizer, settings.stem_recipe, STEM_SEED)
    torch.save(stem.learned(), folder / STEM)
    figures = training_figures(losses, time.process_time() - started) | {"seed": STEM_SEED}
    (folder / STEM_FIGURES).write_text(json.dumps(figures))


def training_figures(losses: Sequence[float], cpu_s: float) -> dict[str, float]:
    return {"batches": len(losses), "last_loss": round(float(np.mean(losses[-50:])), 4), "cpu_s": round(cpu_s, 1)}


def read_stem(path: Path, reasoner: Reasoner, seed: int) -> Stem:
    """The stem in a file, with a last block that this seed draws."""
    torch.manual_seed(seed)
    stem = new_stem(reasoner)
    stem.load(torch.load(path))
    return stem


def score_by_likelihood(solutions: list[Lines]) -> Result:
    """By the reasoner as it is."""
    torch.set_num_threads(1)
    started = time.process_time()
    reasoner, vocabulary = read_gguf(MODEL)
    scores = log_likelihoods(reasoner, vocabulary.tokenizer(), solutions)
    return Result(LIKELIHOOD, 0, 0, scores, [], time.process_time() - started)


def run_job(job: Job) -> Result:
    torch.set_num_threads(1)
    started = time.process_time()
    reasoner, vocabulary = read_gguf(MODEL)
    tokenizer, stem = vocabulary.tokenizer(), read_stem(job.folder / STEM, reasoner, job.seed)
    if job.kind == VERIFIER:
        critiques = read_critiques(job.path)
        words = new_words(critiques, tokenizer)
        reasoner, stem = (
            with_words(reasoner, words, tokenizer),
            Stem(with_words(stem.model, words, tokenizer), stem.token_head),
        )
        add_words(tokenizer, words)
        model, losses = train(
            reasoner, stem, critique_examples(critiques, tokenizer), job.settings.critique_recipe, job.seed
        )
        shares = verdict_shares(model, tokenizer, job.solutions, critiques=job.settings.critiques, seed=job.seed)
        scores = [np.array([share]) for share in shares]
    else:
        examples = (step_examples if job.kind == PRM else answer_examples)(job.path, tokenizer, job.questions)
        model, losses = train(reasoner, stem, examples, job.settings.recipe, job.seed)
        write_gguf(
            job.folder / gguf_name(job.kind, job.labeled, job.seed),
            model,
            vocabulary,
            f"Annotate's {job.kind.upper()}",
        )
        scores = line_scores(model, tokenizer, job.solutions)
    return Result(job.kind, job.seed, job.labeled, scores, losses, time.process_time() - started)
