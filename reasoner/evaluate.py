"""Evaluates the served reasoner: `python -m reasoner.evaluate [PROBLEMS]`. Prints lines of `name value unit`.

On held-out problems: greedy accuracy, accuracy of pure sampling at temperature 1, the share of unsound steps, and how
often the right answer is still reached after a wrong result was inserted into a right prefix.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import Request, urlopen

from reasoner.checker import check
from reasoner.problems import ANSWER, Problem, clean_solution, problems, prompt
from reasoner.serve import NAME, start
from reasoner.slips import slipped_result

SEED = 77
AT_ONCE, SLOTS = 4, 16
ROLLOUTS = 8


class Client:
    """A minimal client of the completions API."""

    def __init__(self, url: str, model: str = NAME) -> None:
        self.url, self.model = url, model

    def __call__(self, text: str, *, temperature: float, n: int = 1, seed: int = 0) -> list[str]:
        body = {
            "model": self.model,
            "prompt": text,
            "n": n,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": 200,
            "top_k": 0,
            "top_p": 1,
            "min_p": 0,
        }
        request = Request(f"{self.url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=120) as response:
            content: dict[str, Any] = json.load(response)
        return [choice["text"] for choice in content["choices"]]


def answer_in(text: str) -> str:
    return text.rpartition(ANSWER)[2].strip()


def report(name: str, value: float, unit: str) -> None:
    print(f"{name} {value:.3f} {unit}", flush=True)


def accuracy(client: Client, held_out: Sequence[Problem], temperature: float) -> list[str]:
    """Print the share of right answers and return the texts."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        texts = list(
            pool.map(
                lambda pair: client(prompt(pair[1].question), temperature=temperature, seed=pair[0])[0],
                enumerate(held_out),
            )
        )
    right = sum(answer_in(text) == str(problem.answer) for text, problem in zip(texts, held_out, strict=True))
    report(f"accuracy.temperature_{temperature:g}", right / len(held_out), "share")
    return texts


def after_a_slip(client: Client, held_out: Sequence[Problem]) -> float:
    """The share of rollouts that reach the right answer although the first step has a wrong result."""
    dice = random.Random(SEED)
    hits = 0

    def prefix(problem: Problem) -> str:
        first = clean_solution(problem)[0]
        head, _, value = first.rstrip(".").rpartition(" ")
        return f"{prompt(problem.question)}{head} {slipped_result(int(value), dice)}.\n"

    prefixes = [prefix(problem) for problem in held_out]
    with ThreadPoolExecutor(2) as pool:
        for problem, texts in zip(
            held_out, pool.map(lambda text: client(text, temperature=1.0, n=ROLLOUTS, seed=SEED), prefixes), strict=True
        ):
            hits += sum(answer_in(text) == str(problem.answer) for text in texts)
    return hits / len(held_out) / ROLLOUTS


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    held_out = list(itertools.islice(problems(SEED, held_out=True), count))
    server = start(0, slots=SLOTS, threads=2)
    client = Client(server.listening_address)
    accuracy(client, held_out, 0.0)
    started = time.perf_counter()
    texts = accuracy(client, held_out, 1.0)
    report("completions", count / (time.perf_counter() - started), "completions/s")
    checked = [check(problem.question, text.splitlines()) for problem, text in zip(held_out, texts, strict=True)]
    steps = [step for solution in checked for step in solution]
    report("steps.unsound", sum(not step.is_sound for step in steps) / len(steps), "share")
    report("steps.wrong_prefix", sum(not step.is_right for step in steps) / len(steps), "share")
    report("reached_after_a_wrong_result", after_a_slip(client, held_out), "share")


if __name__ == "__main__":
    main()
    # The server's threads do not end by themselves.
    sys.stdout.flush()
    os._exit(0)
