"""Problems generated from templates and a seed. Every value is from 1 to 999."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reasoner.templates import ITEMS, NAMES, TEMPLATES, Operand, Operation, Template

HIGHEST = 999
ANSWER = "The answer is: "
HELD_OUT_OF = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """A question and its solution plan. `numbers` holds the letters of the plan, `words` the names in the story."""

    template: Template
    numbers: Mapping[str, int]
    words: Mapping[str, str]

    @property
    def question(self) -> str:
        return self.template.story.format(**self.numbers, **self.words)

    @property
    def plan(self) -> tuple[Operation, ...]:
        return self.template.plan

    @property
    def answer(self) -> int:
        return results(self.plan, self.numbers)[-1]

    @property
    def is_held_out(self) -> bool:
        """Whether the problem is excluded from training."""
        return is_held_out(self.question)


def is_held_out(question: str) -> bool:
    return zlib.crc32(question.encode()) % HELD_OUT_OF == 0


def applied(sign: str, left: int, right: int) -> int:
    """The result of the operation. A division with a remainder, which may follow a slip, is rounded down."""
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right if sign == "*" else left // max(1, right)


def value_of(operand: Operand, numbers: Mapping[str, int], before: list[int]) -> int:
    return numbers[operand] if isinstance(operand, str) else before[operand]


def results(plan: tuple[Operation, ...], numbers: Mapping[str, int]) -> list[int]:
    """The right result of every step."""
    values: list[int] = []
    for step in plan:
        left, right = value_of(step.left, numbers, values), value_of(step.right, numbers, values)
        values.append(applied(step.sign, left, right))
    return values


def _is_fair(plan: tuple[Operation, ...], numbers: Mapping[str, int]) -> bool:
    """Whether all results are from 1 to HIGHEST and all divisions are exact."""
    values: list[int] = []
    for step in plan:
        left, right = value_of(step.left, numbers, values), value_of(step.right, numbers, values)
        if step.sign == "/" and left % right:
            return False
        value = applied(step.sign, left, right)
        if not 1 <= value <= HIGHEST:
            return False
        values.append(value)
    return True


def make_problem(dice: random.Random, template: Template | None = None) -> Problem:
    template = template or dice.choice(TEMPLATES)
    while True:
        numbers = {letter: dice.randint(*bounds) for letter, bounds in template.ranges.items()}
        if _is_fair(template.plan, numbers):
            break
    name, other = dice.sample(NAMES, 2)
    return Problem(template, numbers, {"name": name, "other": other, "item": dice.choice(ITEMS)})


def problems(seed: int, *, held_out: bool) -> Iterator[Problem]:
    """An endless sequence of distinct problems, the same for the same seed."""
    dice, seen = random.Random(seed), set[str]()
    while True:
        problem = make_problem(dice)
        if problem.is_held_out == held_out and problem.question not in seen:
            seen.add(problem.question)
            yield problem


def prompt(question: str) -> str:
    """The prompt, which the model continues with `Step 1:`."""
    return f"Problem: {question}\n"


def step_text(problem: Problem, index: int, equation: str) -> str:
    """The line of a step; `equation` has the form `8 * 47 = 376`."""
    step = problem.plan[index]
    finds = step.finds.format(**problem.words)
    return f"Step {index + 1}: {finds} {equation}."


def clean_solution(problem: Problem) -> list[str]:
    """The right steps, and the line with the answer."""
    values = results(problem.plan, problem.numbers)
    lines: list[str] = []
    for index, step in enumerate(problem.plan):
        left, right = value_of(step.left, problem.numbers, values), value_of(step.right, problem.numbers, values)
        lines.append(step_text(problem, index, f"{left} {step.sign} {right} = {values[index]}"))
    return [*lines, f"{ANSWER}{values[-1]}"]
