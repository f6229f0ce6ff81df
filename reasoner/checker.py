"""The exact checker: whether each step of any text that the model may write is right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from reasoner.problems import ANSWER, Problem, applied, results, value_of
from reasoner.templates import ITEMS, NAMES, TEMPLATES, Template

_EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)\.\s*$")
_FIELD = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True, slots=True)
class Checked:
    """`is_sound`: operands as stated in this solution, right operation, right result.

    `is_right`: this step and all before it agree with the only right solution.
    """

    is_sound: bool
    is_right: bool


class UnknownQuestion(ValueError):
    """The question is not from one of the templates."""


@cache
def _pattern(template: Template) -> re.Pattern[str]:
    seen: set[str] = set()

    def field(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        words = {"name": NAMES, "other": NAMES, "item": ITEMS}.get(name)
        return f"(?P<{name}>{'|'.join(words) if words else '[0-9]+'})"

    return re.compile(_FIELD.sub(field, re.escape(template.story)))


def parse(question: str) -> Problem:
    """The problem with this question. Raises UnknownQuestion."""
    for template in TEMPLATES:
        match = _pattern(template).fullmatch(question.strip())
        if match:
            groups = match.groupdict()
            numbers = {letter: int(groups[letter]) for letter in template.ranges}
            words = {name: groups.get(name) or "" for name in ("name", "other", "item")}
            return Problem(template, numbers, words)
    raise UnknownQuestion(question[:80])


def check(question: str, steps: Sequence[str]) -> list[Checked]:
    """One result per line, including the last one with the answer. Raises only UnknownQuestion."""
    problem = parse(question)
    right = results(problem.plan, problem.numbers)
    checked: list[Checked] = []
    stated: list[int] = []
    so_far = True
    for index, text in enumerate(steps):
        sound, value = _sound(problem, index, text, stated)
        expected = right[index] if index < len(right) else right[-1]
        so_far = so_far and sound and value == expected
        if value is not None:
            stated.append(value)
        checked.append(Checked(sound, so_far))
    return checked


def _sound(problem: Problem, index: int, text: str, stated: Sequence[int]) -> tuple[bool, int | None]:
    """Whether the line follows from the lines before it, and the value that it states."""
    if text.startswith(ANSWER):
        answer = text.removeprefix(ANSWER).strip()
        value = int(answer) if answer.isdecimal() and len(answer) < 10 else None
        return index == len(problem.plan) and bool(stated) and value == stated[-1], value
    match = _EQUATION.search(text)
    if match is None:
        return False, None
    left, sign, right, value = int(match[1]), match[2], int(match[3]), int(match[4][:12])
    if index >= len(problem.plan) or len(stated) != index or not text.startswith(f"Step {index + 1}: "):
        return False, value
    step = problem.plan[index]
    operands = (value_of(step.left, problem.numbers, list(stated)), value_of(step.right, problem.numbers, list(stated)))
    same = (left, right) == operands or (sign in "+*" and (right, left) == operands)
    exact = sign != "/" or (right != 0 and left % right == 0)
    return same and sign == step.sign and exact and applied(sign, left, right) == value, value
