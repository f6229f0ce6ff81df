"""Rows in the shapes of public data sets, made here: problems of two or three sums, right and wrong.

The wrong step is the one whose sum is wrong, so that there is something to learn. One problem and one answer are longer
than 1,024 tokens of any tokenizer: what trainers cut or drop in silence.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

Row = dict[str, Any]

NAMES = ("Ada", "Boris", "Carla", "Dmitri", "Elena", "Farid", "Grete", "Hugo")
THINGS = ("apples", "books", "coins", "marbles", "stamps", "tickets")
ASIDE = "The weather that day was fair and nobody was in a hurry, which does not change the count. "


def write_rows(path: Path, rows: Iterator[Row]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


class Problem:
    """A problem of three sums, with the text of each step, right and wrong."""

    def __init__(self, number: int) -> None:
        dice = random.Random(number)
        self.number = number
        name, thing = dice.choice(NAMES), dice.choice(THINGS)
        a, b, c = (dice.randint(2, 40) for _ in range(3))
        self.statement = (
            f"{name} has {a} {thing}, finds {b} more and then doubles all of it. A friend adds {c}. "
            f"How many {thing} are there? (No. {number})"
        )
        self.answer = 2 * (a + b) + c
        self.right = (
            f"{name} has {a} + {b} = {a + b} {thing}.",
            f"Doubled, these are 2 * {a + b} = {2 * (a + b)}.",
            f"With the friend's, {2 * (a + b)} + {c} = {self.answer}. The answer is: {self.answer}",
        )
        wrong = 2 * (a + b) + dice.randint(1, 9)
        self.bad_answer = wrong + c
        self.wrong = (
            self.right[0],
            f"Doubled, these are 2 * {a + b} = {wrong}.",
            f"With the friend's, {wrong} + {c} = {self.bad_answer}. The answer is: {self.bad_answer}",
        )


def prm800k(count: int = 24) -> Iterator[Row]:
    """Phase 2: alternatives at the second step, half of them ending in an error."""
    for number in range(count):
        problem = Problem(1000 + number)
        is_right = number % 2 == 0
        path = problem.right if is_right else problem.wrong
        other = problem.wrong if is_right else problem.right
        second = [_completion(path[1], 1 if is_right else -1), _completion(other[1], -1 if is_right else 1)]
        steps = [
            {"completions": [_completion(path[0], 1)], "human_completion": None, "chosen_completion": 0},
            {"completions": second, "human_completion": None, "chosen_completion": 0 if is_right else None},
        ]
        if is_right:
            last = {"completions": [_completion(path[2], 1)], "human_completion": None, "chosen_completion": 0}
            steps.append(last)
        yield {
            "labeler": f"labeler-{number % 3}",
            "timestamp": f"2022-08-04T19:{number:02}:50.318226",
            "generation": 3,
            "is_quality_control_question": False,
            "is_initial_screening_question": False,
            "question": {
                "problem": problem.statement,
                "ground_truth_solution": "\n".join(problem.right),
                "ground_truth_answer": str(problem.answer),
                "pre_generated_steps": list(path),
                "pre_generated_answer": str(problem.answer if is_right else problem.bad_answer),
                "pre_generated_verifier_score": 0.25 + number / 100,
            },
            "label": {
                "steps": steps,
                "total_time": 40000 + number,
                "finish_reason": "solution" if is_right else "found_error",
            },
        }


def _completion(text: str, rating: int) -> Row:
    return {"text": text, "rating": rating, "flagged": False}


def math_shepherd(count: int = 24) -> Iterator[Row]:
    for number in range(count):
        problem = Problem(2000 + number)
        path, bad_from = (problem.right, 3) if number % 2 else (problem.wrong, 1)
        signs = ["-" if place >= bad_from else "+" for place in range(3)]

        def joined(marks: list[str], path: tuple[str, ...] = path) -> str:
            steps = zip(path, marks, strict=True)
            return "\n".join(f"Step {place}: {text} {mark}" for place, (text, mark) in enumerate(steps, 1))

        yield {
            "input": f"{problem.statement} {joined(['ки'] * 3)}",
            "label": f"{problem.statement} {joined(signs)}",
            "task": "GSM8K",
        }


def canonical(count: int = 24) -> Iterator[Row]:
    """Two solutions of a problem, right and wrong, with every source of labels, critiques and verdicts with reasons."""
    for number in range(count):
        problem = Problem(3000 + number)
        for name, path, bad in (("right", problem.right, None), ("wrong", problem.wrong, 1)):
            yield _labeled(problem, name, path, bad)
    yield from (_labeled(_long(4000), name, path, bad) for name, path, bad in _sides(_long(4000)))


def _sides(problem: Problem) -> tuple[tuple[str, tuple[str, ...], int | None], ...]:
    return ("right", problem.right, None), ("wrong", problem.wrong, 1)


def _long(number: int) -> Problem:
    """A problem whose statement alone passes 1,024 tokens."""
    problem = Problem(number)
    problem.statement = ASIDE * 90 + problem.statement
    return problem


def _labeled(problem: Problem, name: str, path: tuple[str, ...], bad: int | None) -> Row:
    seen = range(3 if bad is None else bad + 1)
    answer = problem.answer if bad is None else problem.bad_answer
    ratings = [{"position": place, "rating": -1 if place == bad else 1} for place in seen]
    reasons = [
        {
            "position": place,
            "rating": -1 if place == bad else 1,
            "confidence": 0.9,
            "reason": "The sum is wrong." if place == bad else "The sum is right.",
        }
        for place in seen
    ]
    # The second judge takes the first step of a wrong solution for the bad one, and the last of a right one.
    mistaken = 0 if bad is not None else 2
    wrong_reasons = [
        {
            "position": place,
            "rating": -1 if place == mistaken else 1,
            "confidence": 0.6,
            "reason": "This does not follow." if place == mistaken else "This follows.",
        }
        for place in range(mistaken + 1)
    ]
    critiques = (
        [
            {
                "position": bad,
                "candidate": 0,
                "text": "The product is not what the step says.",
                "origin": "human",
                "source": "",
                "rating": None,
                "is_own": True,
            }
        ]
        if bad is not None
        else []
    )
    successes = [8 if bad is None or place < bad else 0 for place in range(3)]
    return {
        "problem": {
            "external_id": f"sums-{problem.number}",
            "statement": problem.statement,
            "reference_answer": str(problem.answer),
            "reference_solution": "\n".join(problem.right),
            "verifier": "numeric",
            "subject": "Arithmetic",
            "level": "1",
        },
        "solution": {
            "external_id": f"sums-{problem.number}/{name}",
            "source": "model-a",
            "final_answer": str(answer),
            "is_correct": bad is None,
            "verifier_score": 0.7 if bad is None else 0.4,
            "steps": [{"position": place, "text": text, "origin": "model"} for place, text in enumerate(path)],
        },
        "people": [
            {
                "labeler": "labeler-0",
                "round": 1,
                "protocol": "first_error",
                "finish_reason": "solution" if bad is None else "found_error",
                "submitted_at": "2026-01-01T00:00:00Z",
                "active_ms": 41000,
                "steps": ratings,
                "critiques": critiques,
            }
        ],
        "monte_carlo": [
            {
                "run": 5,
                "completer": "model-c",
                "strategy": "math-shepherd",
                "steps": [
                    {"position": place, "rollouts": 8, "successes": count} for place, count in enumerate(successes)
                ],
            }
        ],
        "judges": [
            {"judge": "judge-a", "version": 1, "run": None, "steps": reasons},
            {"judge": "judge-b", "version": 1, "run": None, "steps": wrong_reasons},
        ],
    }


def preferences(count: int = 40) -> Iterator[Row]:
    """TRL's columns. The last row's answers are longer than 1,024 tokens."""
    for number in range(count):
        problem = Problem(5000 + number)
        yield {
            "prompt": problem.statement,
            "chosen": "\n".join(problem.right),
            "rejected": "\n".join(problem.wrong),
            "margin": number % 4,
        }
    problem = Problem(5900)
    aside = ASIDE * 90
    yield {
        "prompt": problem.statement,
        "chosen": aside + problem.right[2],
        "rejected": aside + problem.wrong[2],
        "margin": 1,
    }


def dialogues(count: int = 12) -> Iterator[Row]:
    """TRL's conversational form, of several turns."""
    for number in range(count):
        problem = Problem(6000 + number)
        prompt = [
            {"role": "system", "content": "You count things."},
            {"role": "user", "content": "May I ask you something?"},
            {"role": "assistant", "content": "Please do."},
            {"role": "user", "content": problem.statement},
        ]
        yield {
            "prompt": prompt,
            "chosen": [{"role": "assistant", "content": "\n".join(problem.right)}],
            "rejected": [{"role": "assistant", "content": "\n".join(problem.wrong)}],
        }
