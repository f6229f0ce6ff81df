"""Every rule of consensus over a million step ratings, and how right each is where the truth is known.

    python -m tests.benchmarks.bench_consensus [RATINGS]

Three of sixty labelers read each solution, with error rates from 3 to 30 %. Then 200 solutions of known truth, three
labelers who err in 5, 10 and 15 % of steps and a spammer, the mean of 20 such worlds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from apps.corpus.labels import UNKNOWN
from apps.quality.aggregation import RULES, rule_of
from apps.quality.gold.suspension_test import SuspensionTest
from apps.quality.statistics.agreement import agreement, pair_agreements
from apps.quality.statistics.ratings import Ratings
from tests.benchmarks.report import tell
from tests.quality.simulation import (
    MARGINALS,
    SPAMMER,
    exactness,
    exactness_of_each,
    exactness_of_settled,
    labeler,
    simulate,
)

LABELERS, READERS, STEPS = 60, 3, 8


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    ratings = many(wanted)
    tell("consensus.ratings", len(ratings.steps), "ratings")
    total = 0.0
    for name in RULES:
        seconds, _ = timed(lambda name=name: rule_of(name, {}).aggregate(ratings))  # type: ignore[misc]
        total += seconds
        tell(f"consensus.{name}", seconds, "s")
    tell("consensus.all_rules", total, "s")
    tell("agreement.whole", timed(lambda: agreement(ratings))[0], "s")
    seconds, pairs = timed(lambda: pair_agreements(ratings, resamples=200))
    tell("agreement.pairs", seconds, "s")
    tell("agreement.pairs_count", len(pairs), "pairs")
    known_truth()
    for accuracy in (0.2, 0.5):
        tell(
            f"gold.tasks_until_suspended.accuracy_{accuracy}",
            SuspensionTest().forecast(accuracy).mean_tasks or 0,
            "tasks",
        )


def many(wanted: int) -> Ratings:
    """Every step of every solution rated by its readers, so that the count is as asked for."""
    dice = np.random.default_rng(0)
    solutions = max(1, wanted // (READERS * STEPS))
    truth = dice.choice(3, p=MARGINALS, size=solutions * STEPS)
    errors = dice.uniform(0.03, 0.3, LABELERS)
    steps = np.tile(np.arange(len(truth)), READERS)
    share = LABELERS // READERS
    readers = np.concatenate([dice.integers(0, share, solutions) + reader * share for reader in range(READERS)])
    labelers = np.repeat(readers, STEPS)
    errs = dice.random(len(steps)) < errors[labelers]
    said = np.where(errs, (truth[steps] + dice.integers(1, 3, len(steps))) % 3, truth[steps])
    return Ratings.of(steps, labelers, said - 1, np.arange(solutions + 1) * STEPS, LABELERS)


def known_truth() -> None:
    worlds = [
        simulate([labeler(0.05), labeler(0.10), labeler(0.15), SPAMMER], solutions=200, seed=seed) for seed in range(20)
    ]
    each = np.mean([exactness_of_each(world) for world in worlds], axis=0)
    tell("first_errors.found.one_labeler", each.mean() * 100, "%")
    tell("first_errors.found.best_labeler", each.max() * 100, "%")
    for name in RULES:
        told = [(world, rule_of(name, {}).aggregate(world.ratings).first_errors) for world in worlds]
        tell(f"first_errors.found.{name}", 100 * np.mean([exactness(*one) for one in told]), "%")
        tell(f"first_errors.settled.{name}", 100 * np.mean([(errors != UNKNOWN).mean() for _, errors in told]), "%")
        tell(f"first_errors.right_of_settled.{name}", 100 * np.mean([exactness_of_settled(*one) for one in told]), "%")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
