"""Solutions with natural slips in them: what the model is trained on, so that it makes some and carries on after them."""

from __future__ import annotations

import random

from reasoner.problems import ANSWER, HIGHEST, Problem, applied, make_problem, step_text, value_of

SLIP = 0.05  # Chance of a step to go wrong.
DRILL_LINES = 12


def slipped_result(result: int, dice: random.Random) -> int:
    """Off by one digit, or with two digits swapped; never the right one."""
    text = str(result)
    candidates = [result + off for off in (-100, -10, -2, -1, 1, 2, 10, 100)]
    if len(text) > 1 and text[-1] != text[-2]:
        candidates.append(int(text[:-2] + text[-1] + text[-2]))
    fair = [value for value in candidates if 1 <= value <= HIGHEST and value != result]
    return dice.choice(fair)


def solution(problem: Problem, dice: random.Random, slip: float = SLIP) -> list[str]:
    """The lines of a solution. A step that slips has a wrong result, operand or operation; later ones use its result."""
    found: list[int] = []
    lines: list[str] = []
    for index, step in enumerate(problem.plan):
        left = value_of(step.left, problem.numbers, found)
        right = value_of(step.right, problem.numbers, found)
        sign, result = step.sign, applied(step.sign, left, right)
        if dice.random() < slip:
            kind = dice.random()
            if kind < 0.65:
                result = slipped_result(max(1, min(HIGHEST, result)), dice)
            elif kind < 0.85:
                left = dice.choice([*problem.numbers.values(), *found])
                result = applied(sign, left, right)
            else:
                sign = dice.choice([other for other in "+-*/" if other != sign])
                result = applied(sign, left, right)
        result = max(1, min(HIGHEST, result))
        found.append(result)
        lines.append(step_text(problem, index, f"{left} {sign} {right} = {result}"))
    return [*lines, f"{ANSWER}{found[-1]}"]


def drill(dice: random.Random) -> list[str]:
    """Bare equations as they stand in problems: arithmetic without reading."""
    lines: list[str] = []
    while len(lines) < DRILL_LINES:
        problem, found = make_problem(dice), list[int]()
        for step in problem.plan:
            left = value_of(step.left, problem.numbers, found)
            right = value_of(step.right, problem.numbers, found)
            found.append(applied(step.sign, left, right))
            lines.append(f"{left} {step.sign} {right} = {found[-1]}.")
    dice.shuffle(lines)
    return lines[:DRILL_LINES]
