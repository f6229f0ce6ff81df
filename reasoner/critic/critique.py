r"""What the critic reads and writes.

It reads the problem, the steps with an index from 0 in front, and `Critique:`, each on a line of its own. It writes a line
for each step up to and including the first wrong one, and `\boxed{k}` with that one's index, or -1 if no step is wrong:

    [0] Step 1: The trays hold 8 * 47 = 376, right.
    [1] Step 2: After the sale there are 376 - 52 = 324, wrong result.
    \boxed{1}

It computes the step itself before it says whether the step is right, so the line gives the right equation in any case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reasoner.checker import check, parse
from reasoner.problems import ANSWER, Problem, clean_solution, results, value_of

NO_ERROR = -1
LONGEST = 200  # Tokens of a critique.
REASON = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
_VERDICT = re.compile(r"\\boxed\{(-?\d+)\}")
_EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)\.\s*$")


def critic_prompt(question: str, steps: Sequence[str]) -> str:
    lines = [f"[{index}] {step}" for index, step in enumerate(steps)]
    return "\n".join([f"Problem: {question}", *lines, "Critique:", ""])


def first_error(question: str, steps: Sequence[str]) -> int:
    """The index of the first step that is not right, else NO_ERROR. Raises UnknownQuestion."""
    return next((index for index, step in enumerate(check(question, steps)) if not step.is_right), NO_ERROR)


def critique(question: str, steps: Sequence[str]) -> str:
    """The critique that the checker's labels demand. Raises UnknownQuestion."""
    problem, error = parse(question), first_error(question, steps)
    read = steps if error == NO_ERROR else steps[: error + 1]
    lines = [f"[{index}] {reason(problem, index, step, is_wrong=index == error)}" for index, step in enumerate(read)]
    return "\n".join([*lines, f"\\boxed{{{error}}}"])


def verdict(text: str) -> int | None:
    """The number in the last box; None without one."""
    boxes = _VERDICT.findall(text)
    return int(boxes[-1]) if boxes else None


def reason(problem: Problem, index: int, step: str, *, is_wrong: bool) -> str:
    """What this step is to find, and whether it does."""
    return f"{_recomputed(problem, index)}, {f'wrong {error_kind(problem, index, step)}' if is_wrong else 'right'}."


def _recomputed(problem: Problem, index: int) -> str:
    lines = clean_solution(problem)
    return lines[index].removesuffix(".") if index < len(lines) else "Nothing follows"


def right_equation(problem: Problem, index: int) -> tuple[int, str, int, int]:
    step, values = problem.plan[index], results(problem.plan, problem.numbers)
    left, right = value_of(step.left, problem.numbers, values), value_of(step.right, problem.numbers, values)
    return left, step.sign, right, values[index]


def error_kind(problem: Problem, index: int, step: str) -> str:
    """Of a step that is not right: result, numbers, operation, answer, or step for anything else."""
    if index == len(problem.plan) and step.startswith(ANSWER):
        is_short = re.fullmatch(r"\d{1,4}", step.removeprefix(ANSWER).strip())
        return "answer" if is_short else "step"
    match = _EQUATION.search(step)
    if index >= len(problem.plan) or match is None or len(match[0]) > 30:
        return "step"
    left, sign, right, result = right_equation(problem, index)
    if match[2] != sign:
        return "operation"
    stated = int(match[1]), int(match[3])
    if stated != (left, right) and not (sign in "+*" and stated == (right, left)):
        return "numbers"
    return "result" if int(match[4]) != result else "step"
