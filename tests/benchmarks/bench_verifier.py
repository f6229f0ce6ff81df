"""How often the verifier `math` is wrong, and what it costs, beside Math-Verify alone on the same pairs.

    python -m tests.benchmarks.bench_verifier [PAIRS_PER_RULE] [SEED]

The pairs are made by rule from real answers (tests/verifiers/rewrites.py). Prints the share of equivalent rewrites that is
called wrong, the share of wrong answers that is called right, the share that is left unreadable, and seconds: ours, those
of Math-Verify, and the ratio. Both run in this process, one pair after another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from math_verify import parse, verify

from apps.verifiers.base import Grade
from apps.verifiers.math.symbolic import warm_up
from apps.verifiers.registry import VERIFIERS
from tests.benchmarks.report import tell
from tests.verifiers.rewrites import DATA, EQUIVALENT, WRONG, Pair, pairs

SEED = 500
PER_RULE = 60
Grader = Callable[[str, str], Grade]


class Measured(NamedTuple):
    called_wrong: float
    called_right: float
    unreadable: float
    seconds: float


def main() -> None:
    if not DATA.is_dir():
        print(f"bench_verifier: skipped, {DATA} is missing")
        return
    given = [int(value) for value in sys.argv[1:3]]
    per_rule, seed = [*given, *(PER_RULE, SEED)[len(given) :]]
    equivalent = list(pairs(EQUIVALENT, seed=seed, per_rule=per_rule))
    wrong = list(pairs(WRONG, seed=seed, per_rule=per_rule * 2 // 3))
    warm_up()
    tell("verifier.equivalent", len(equivalent), "pairs")
    tell("verifier.wrong", len(wrong), "pairs")
    ours = measure(VERIFIERS["math"].compare, equivalent, wrong, shown=True)
    theirs = measure(math_verify_alone, equivalent, wrong, shown=False)
    for name, measured in (("annotate", ours), ("math-verify", theirs)):
        tell(f"verifier.{name}.equivalent called wrong", 100 * measured.called_wrong, "%")
        tell(f"verifier.{name}.wrong called right", 100 * measured.called_right, "%")
        tell(f"verifier.{name}.unreadable", 100 * measured.unreadable, "%")
        tell(f"verifier.{name}.time", measured.seconds, "s")
    tell("verifier.time against math-verify", ours.seconds / theirs.seconds, "x")


def measure(grader: Grader, equivalent: list[Pair], wrong: list[Pair], *, shown: bool) -> Measured:
    """`shown` prints the pairs that are told wrongly."""
    started = time.perf_counter()
    grades = [[grader(pair.reference, pair.answer) for pair in kind] for kind in (equivalent, wrong)]
    seconds = time.perf_counter() - started
    failed = [
        [pair for pair, grade in zip(kind, told, strict=True) if grade is bad]
        for kind, told, bad in zip((equivalent, wrong), grades, (Grade.NO_MATCH, Grade.MATCH), strict=True)
    ]
    if shown:
        for pair in [*failed[0], *failed[1]]:
            print(f"  told wrongly: {pair.rule}: {pair.reference} | {pair.answer}")
    told = [*grades[0], *grades[1]]
    unreadable = sum(grade is Grade.UNPARSED for grade in told) / len(told)
    return Measured(len(failed[0]) / len(equivalent), len(failed[1]) / len(wrong), unreadable, seconds)


def math_verify_alone(reference: str, answer: str) -> Grade:
    """As its users call it: each side in dollars unless it has some."""
    gold, given = (parse(text if "$" in text else f"${text}$") for text in (reference, answer))
    if not gold or not given:
        return Grade.UNPARSED
    return Grade.MATCH if verify(gold, given) else Grade.NO_MATCH


if __name__ == "__main__":
    main()
