"""Files to measure with: solutions of eight steps, as long as real ones, in our canonical row."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec

STEPS = 8
TEXT = (
    "Let $x_{{{n}}}$ be the number of items that are left, so $x_{{{n}}} = {a} \\cdot {b} - {c} = {d}$, "
    "and we carry this value on to the next line of the argument."
)


def write_corpus(path: Path, *, solutions: int, labeled: bool, graded: bool, seed: int = 7) -> Path:
    """One solution a line, four to a problem. `graded` gives references and answers to compare."""
    dice = random.Random(seed)
    with path.open("wb") as file:
        for number in range(solutions):
            file.write(msgspec.json.encode(_row(number, dice, labeled=labeled, graded=graded)) + b"\n")
    return path


def _row(number: int, dice: random.Random, *, labeled: bool, graded: bool) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "external_id": f"bench-{number // 4}",
        "statement": f"Shop number {number // 4} sells boxes of items. How many items are left in the evening?",
        "subject": "Arithmetic",
    }
    solution: dict[str, Any] = {
        "external_id": f"bench-{number}",
        "source": f"model-{number % 4}",
        "steps": [{"position": position, "text": _text(position, dice)} for position in range(STEPS)],
    }
    if graded:
        problem["reference_answer"] = str(number // 4)
        solution["final_answer"] = str(number // 4 if number % 3 else number)
    row: dict[str, Any] = {"problem": problem, "solution": solution}
    if labeled:
        row["people"] = [_person(number)]
    return row


def _text(position: int, dice: random.Random) -> str:
    a, b, c = dice.randint(2, 99), dice.randint(2, 99), dice.randint(2, 99)
    return TEXT.format(n=position, a=a, b=b, c=c, d=a * b - c)


def _person(number: int) -> dict[str, Any]:
    last = number % (STEPS + 1)  # The first bad step; STEPS: there is none.
    ratings = [
        {"position": position, "rating": -1 if position == last else 1} for position in range(min(last + 1, STEPS))
    ]
    return {
        "labeler": f"labeler-{number % 16}",
        "round": 1,
        "finish_reason": "solution" if last == STEPS else "found_error",
        "submitted_at": f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}.{number % 1_000_000:06}+00:00",
        "active_ms": 41_000,
        "steps": ratings,
    }
