"""Solutions for the critic's training: of the reasoner, sampled at several temperatures, and of `slips` with more slips."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reasoner.critic.critique import NO_ERROR, first_error
from reasoner.evaluate import Client
from reasoner.problems import ANSWER, Problem, problems, prompt
from reasoner.serve import start
from reasoner.slips import slipped_result, solution

TEMPERATURES = (1.0, 1.0, 1.3)
AT_ONCE = 16
# Of each step, and of the answer. Few, so that first errors are as often late as early, as they are where the reasoner samples.
SLIP, WRONG_ANSWER = 0.06, 0.02
CUT = 0.05  # Share of the solutions of which only the first steps are read.
# A wrong result that the reasoner finds likely is harder to see than one of `slips`.
SAMPLED_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Solved:
    """A question and the lines of a solution, without an empty one."""

    question: str
    steps: tuple[str, ...]

    @property
    def has_error(self) -> bool:
        return first_error(self.question, self.steps) != NO_ERROR


def sample(client: Client, asked: Sequence[Problem], temperatures: Sequence[float], seed: int) -> list[Solved]:
    """One solution of each problem by the served reasoner, at the temperatures in turn."""

    def solve(place: int) -> Solved:
        temperature = temperatures[place % len(temperatures)]
        (text,) = client(prompt(asked[place].question), temperature=temperature, seed=seed + place)
        return Solved(asked[place].question, tuple(line for line in text.split("\n") if line.strip()))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [solved for solved in pool.map(solve, range(len(asked))) if solved.steps]


def sampled_solutions(path: Path, count: int, seed: int) -> list[Solved]:
    """Sampled at the first call and kept in the file, one a line."""
    if not path.exists():
        server = start(0, slots=16, threads=1)
        asked = list(itertools.islice(problems(seed, held_out=False), count))
        sampled = sample(Client(server.listening_address), asked, TEMPERATURES, seed)
        new = path.with_suffix(".new")
        new.write_text("".join(json.dumps([solved.question, solved.steps]) + "\n" for solved in sampled))
        new.replace(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [Solved(question, tuple(steps)) for question, steps in rows]


def training_solutions(
    sampled: Sequence[Solved], seed: int, sampled_share: float = SAMPLED_SHARE, *, held_out: bool = False
) -> Iterator[Solved]:
    """An endless mixture, about half of it with an error. The problems are held-out ones, or none of them is."""
    dice = random.Random(seed)
    source = problems(seed, held_out=held_out)
    by_error = {
        has_error: [solved for solved in sampled if solved.has_error == has_error] for has_error in (False, True)
    }
    while True:
        has_error = dice.random() < 0.5
        if dice.random() < sampled_share:
            solved = dice.choice(by_error[has_error])
        else:
            solved = _slipped(next(source), dice)
            while solved.has_error != has_error:
                solved = _slipped(next(source), dice)
        if dice.random() < CUT:
            solved = Solved(solved.question, solved.steps[: dice.randint(1, len(solved.steps))])
        yield solved


def _slipped(problem: Problem, dice: random.Random) -> Solved:
    steps = solution(problem, dice, SLIP)
    if dice.random() < WRONG_ANSWER:
        steps[-1] = f"{ANSWER}{slipped_result(int(steps[-1].removeprefix(ANSWER)), dice)}"
    return Solved(problem.question, tuple(steps))
