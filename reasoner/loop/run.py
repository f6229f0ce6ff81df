"""One run of the loop in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from annotate.local.servers import servers
from reasoner.loop.curves import Sampled, distinct_solutions
from reasoner.loop.experiment import (
    PRM,
    STEM_FIGURES,
    TEXTS,
    Clock,
    Key,
    Result,
    Settings,
    add_problems,
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
    labeled_problems=12,
    held_out_problems=4,
    stem_recipe=Recipe(),
    recipe=Recipe(),
    critique_recipe=Recipe(),
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
        scores, scoring = score_by_product(product, folder / f"{PRM}-{settings.seeds[0]}.gguf")
        clock.stop("score by the product")
    outcome = report(held_out, results, settings)
    outcome |= {
        "labels": label_accuracy(files.steps),
        "stem": json.loads((folder / STEM_FIGURES).read_text()),
        "seconds": clock.parts,
    }
    outcome["scored_by_product"] = scoring | {"largest_difference": largest_difference(held_out, results, scores)}
    write(outcome, folder)
    print(markdown(outcome))
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


def largest_difference(held_out: list[Sampled], results: list[Result], scores: dict[Key, list[Any]]) -> float:
    """Between the scores of llama.cpp and those in memory, of the PRM of the first seed."""
    own = next(result for result in results if result.kind == PRM).scores
    keys = distinct_solutions(held_out)
    return max(float(np.abs(np.array(scores[key]) - score).max()) for key, score in zip(keys, own, strict=True))
