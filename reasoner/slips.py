"""Training data: solutions with natural slips, so that the model makes some and continues after them."""

from __future__ import annotations

import random

from reasoner.problems import ANSWER, HIGHEST, Problem, applied, make_problem, step_text, value_of

SLIP = 0.05  # Probability of a slip at each step.
DRILL_LINES = 12


def slipped_result(result: int, dice: random.Random) -> int:
    """A wrong result: off in one digit, or with two digits swapped."""
    text = str(result)
    candidates = [result + off for off in (-100, -10, -2, -1, 1, 2, 10, 100)]
    if len(text) > 1 and text[-1] != text[-2]:
        candidates.append(int(text[:-2] + text[-1] + text[-2]))
    fair = [value for value in candidates if 1 <= value <= HIGHEST and value != result]
    return dice.choice(fair)


def solution(problem: Problem, dice: random.Random, slip: float = SLIP) -> list[str]:
    """The lines of a solution. A slip is a wrong result, operand or operation; later steps use its result."""
    values: list[int] = []
    lines: list[str] = []
    for index, step in enumerate(problem.plan):
        left = value_of(step.left, problem.numbers, values)
        right = value_of(step.right, problem.numbers, values)
        sign, result = step.sign, applied(step.sign, left, right)
        if dice.random() < slip:
            kind = dice.random()
            if kind < 0.65:
                result = slipped_result(max(1, min(HIGHEST, result)), dice)
            elif kind < 0.85:
                left = dice.choice([*problem.numbers.values(), *values])
                result = applied(sign, left, right)
            else:
                sign = dice.choice([other for other in "+-*/" if other != sign])
                result = applied(sign, left, right)
        result = max(1, min(HIGHEST, result))
        values.append(result)
        lines.append(step_text(problem, index, f"{left} {sign} {right} = {result}"))
    return [*lines, f"{ANSWER}{values[-1]}"]


def drill(dice: random.Random) -> list[str]:
    """Equations of several problems without their texts, to train arithmetic alone."""
    lines: list[str] = []
    while len(lines) < DRILL_LINES:
        problem, values = make_problem(dice), list[int]()
        for step in problem.plan:
            left = value_of(step.left, problem.numbers, values)
            right = value_of(step.right, problem.numbers, values)
            values.append(applied(step.sign, left, right))
            lines.append(f"{left} {step.sign} {right} = {values[-1]}.")
    dice.shuffle(lines)
    return lines[:DRILL_LINES]
