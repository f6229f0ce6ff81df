"""One run of the loop in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from annotate.local.servers import servers
from reasoner.loop.curves import Sampled, distinct_solutions
from reasoner.loop.experiment import (
    PRM,
    STEM_FIGURES,
    TEXTS,
    Clock,
    Key,
    Settings,
    add_problems,
    gguf_name,
    make_labels,
    read_samples,
    sample_texts,
    score_by_product,
    train_all,
    write_stem,
)
from reasoner.loop.product import Product, served
from reasoner.loop.report import label_accuracy, markdown, marks_of, report, write
from reasoner.loop.selection import compare, read_pool, table
from reasoner.loop.training import Recipe
from reasoner.serve import MODEL

SMALL = Settings(
    seeds=(1,),
    text_problems=12,
    labeled=(6, 12),
    held_out_problems=4,
    stem_recipe=Recipe(),
    recipe=Recipe(),
    critique_recipe=Recipe(blocks=3),
)


def run(folder: Path, *, is_small: bool, has_selection: bool) -> None:
    settings, clock, product = SMALL if is_small else Settings(), Clock(), Product(folder)
    with servers():
        product.migrate()
        clock.stop("start")
        with served(MODEL, "reasoner") as url:
            add_problems(product, url, settings)
            clock.stop("import")
            texts = sample_texts(product, settings)
            clock.stop(f"sample {TEXTS}")
            with beside(write_stem, folder, texts, settings) as wait:
                files = make_labels(product, texts, settings, clock)
                wait()
            clock.stop("wait for the stem")
        held_out = read_samples(files.held_out, settings.per_held_out_problem)
        results = train_all(files, held_out, settings, folder)
        clock.stop("train and score")
        outcome = report(held_out, results, settings)
        outcome |= {"labels": label_accuracy(files.steps), "stem": json.loads((folder / STEM_FIGURES).read_text())}
        write(outcome, folder)
        print(markdown(outcome))
        served_prm = PRM, max(settings.labeled), settings.seeds[0]
        scores, scoring = score_by_product(product, folder / gguf_name(*served_prm))
        clock.stop("score by the product")
    in_memory = next(own.scores for own in results if (own.kind, own.labeled, own.seed) == served_prm)
    outcome |= {"scored_by_product": scoring | comparison(held_out, in_memory, scores), "seconds": clock.parts}
    write(outcome, folder)
    if has_selection:
        marks = marks_of(held_out)
        lines = [(question, list(own)) for question, own in marks]
        print(table(compare(folder, read_pool(files.texts), lines, list(marks.values()))))
        clock.stop("selection")


@contextmanager
def beside(work: Callable[..., None], *arguments: object) -> Iterator[Callable[[], None]]:
    """Do work in another process, which does not outlive the block; yields a function that waits for its end."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()

    def wait() -> None:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"{work.__name__} ended with exit code {process.exitcode}")

    try:
        yield wait
    finally:
        process.kill()
        process.join()


def comparison(
    held_out: list[Sampled], in_memory: list[np.ndarray], scores: dict[Key, dict[int, float]]
) -> dict[str, float | int]:
    """Of llama.cpp's scores with those in memory, of the same model."""
    differences, unscored = [0.0], 0
    for key, lines in zip(distinct_solutions(held_out), in_memory, strict=True):
        differences += [abs(score - lines[position]) for position, score in scores[key].items()]
        unscored += len(lines) - len(scores[key])
    return {"largest_difference": float(max(differences)), "unscored": unscored}
