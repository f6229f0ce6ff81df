"""One run of the loop in a folder."""

from __future__ import annotations

from pathlib import Path

from annotate.local.servers import servers
from reasoner.loop.experiment import STEM, Clock, Settings, make_labels, read_samples, train_all, write_stem
from reasoner.loop.product import Product
from reasoner.loop.report import label_accuracy, markdown, report, write
from reasoner.loop.training import Recipe

SMALL = Settings(
    seeds=(1,),
    training_problems=12,
    held_out_problems=4,
    stem_recipe=Recipe(epochs=1),
    recipe=Recipe(epochs=1),
    critiques=1,
)


def run(folder: Path, *, is_small: bool) -> None:
    settings, clock, product = SMALL if is_small else Settings(), Clock(), Product(folder)
    with servers():
        product.migrate()
        clock.stop("start")
        files = make_labels(product, settings, clock)
    held_out = read_samples(files.held_out)
    write_stem(folder / STEM, files.answers, settings)
    clock.stop("stem")
    results = train_all(files, held_out, settings, folder)
    clock.stop("train and score")
    outcome = report(held_out, results, label_accuracy(files.steps), clock.parts, settings)
    write(outcome, folder)
    print(markdown(outcome))
