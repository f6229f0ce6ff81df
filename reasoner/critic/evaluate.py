"""Evaluates the served critic: `python -m reasoner.critic.evaluate [SOLUTIONS] [MODEL]`. Prints lines of `name value unit`.

It judges solutions of held-out problems by the served reasoner at temperature 1, greedily, and several times at temperature 1.
Besides its figures of all, it prints how often it is right by the kind of the first error and by the story.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reasoner.checker import parse
from reasoner.critic.critique import NO_ERROR, REASON, critic_prompt, error_kind, first_error, verdict
from reasoner.critic.figures import Judged, accuracy, f1, f1_interval, fleiss_kappa, step_rates
from reasoner.critic.solutions import Solved, sample
from reasoner.evaluate import Client, report
from reasoner.problems import problems
from reasoner.serve import CRITIC, CRITIC_NAME, CRITIC_SLOTS, start, start_critic

SEED = 4177
REPEATS = 4


def critiques(client: Client, solutions: Sequence[Solved], *, temperature: float, n: int = 1) -> list[list[str]]:
    """`n` of each solution."""

    def read(place: int) -> list[str]:
        text = critic_prompt(solutions[place].question, solutions[place].steps)
        return client(text, temperature=temperature, n=n, seed=SEED + place)

    with ThreadPoolExecutor(CRITIC_SLOTS // n) as pool:
        return list(pool.map(read, range(len(solutions))))


def judged_by(texts: Iterable[str], solutions: Sequence[Solved]) -> list[Judged]:
    return [
        Judged(first_error(solved.question, solved.steps), verdict(text), len(solved.steps))
        for text, solved in zip(texts, solutions, strict=True)
    ]


def is_readable(text: str) -> bool:
    """Whether it has a verdict, and a line for each step up to it, in order."""
    named, lines = verdict(text), [int(index) for index, _ in REASON.findall(text)]
    return named is not None and lines == list(range(len(lines))) and named in (NO_ERROR, len(lines) - 1)


def report_all(judged: Sequence[Judged], texts: Sequence[str]) -> None:
    report("accuracy.with_error", accuracy(judged, has_error=True), "share")
    report("accuracy.without_error", accuracy(judged, has_error=False), "share")
    report("processbench_f1", f1(judged), "share")
    low, high = f1_interval(judged, SEED)
    report("processbench_f1.low", low, "share")
    report("processbench_f1.high", high, "share")
    positive, negative = step_rates(judged)
    report("bad_steps.true_positive", positive, "share")
    report("bad_steps.true_negative", negative, "share")
    report("unreadable", sum(not is_readable(text) for text in texts) / len(texts), "share")


def report_parts(judged: Sequence[Judged], solutions: Sequence[Solved]) -> None:
    """By the kind of the first error, and by the story: the share of right verdicts, and of how many."""
    parts: dict[str, list[bool]] = defaultdict(list)
    for one, solved in zip(judged, solutions, strict=True):
        problem = parse(solved.question)
        if one.has_error:
            parts[f"kind.{error_kind(problem, one.truth, solved.steps[one.truth])}"].append(one.is_hit)
        parts[f"story.{problem.template.name.replace(' ', '_')}"].append(one.is_hit)
    for name, hits in sorted(parts.items()):
        report(name, sum(hits) / len(hits), f"of {len(hits)}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    model = Path(sys.argv[2]) if len(sys.argv) > 2 else CRITIC
    held_out = list(itertools.islice(problems(SEED, held_out=True), count))
    reasoner = start(0, slots=CRITIC_SLOTS, threads=1)
    solutions = sample(Client(reasoner.listening_address), held_out, [1.0], SEED)
    critic = start_critic(0, threads=1, model=model)
    client = Client(critic.listening_address, CRITIC_NAME)
    started = time.perf_counter()
    texts = [text for (text,) in critiques(client, solutions, temperature=0.0)]
    report("replies", len(texts) / (time.perf_counter() - started), "replies/s")
    judged = judged_by(texts, solutions)
    report("solutions.with_error", sum(one.has_error for one in judged) / len(judged), "share")
    report_all(judged, texts)
    repeats = critiques(client, solutions, temperature=1.0, n=REPEATS)
    report("temperature_1.processbench_f1", f1(judged_by([own[0] for own in repeats], solutions)), "share")
    report("temperature_1.kappa", fleiss_kappa([[verdict(text) for text in own] for own in repeats]), "Fleiss")
    report_parts(judged, solutions)


if __name__ == "__main__":
    main()
    # The server's threads do not end by themselves.
    sys.stdout.flush()
    os._exit(0)
