"""A project with one of every kind of label, and with values that loaders are known to change."""

from __future__ import annotations

import json
from typing import Any

from django.core.files.base import ContentFile

from apps.corpus.imports.run import run_import
from apps.corpus.services import create_import
from apps.projects.models import Project

# Each looks like something that it is not: JSON, a number, a time, nothing.
TEXTS = (
    '{"a": [1, 2.50]}',
    "[true, null]",
    "null",
    "12.50",
    "2024-01-01T00:00:00Z",
    "NaN",
    "plain",
    "línea\nsecond",
    "",
)
SCORE = 0.12345678901234567


def solution_row(number: int, *, filler: str = "") -> dict[str, Any]:
    """A solution whose optional values are null in the first rows and present in later ones."""
    is_late = number > 1
    text = TEXTS[number % len(TEXTS)]
    steps = [f"{text} Step one.{filler}", f"{text or 'Then'} two.", text or "Three."]
    is_good = number % 6 == 5
    error = 3 if is_good else number % 3
    ratings = [-1 if place == error else 1 for place in range(min(error + 1, 3))]
    rated = [{"position": place, "candidate": 0, "rating": rating} for place, rating in enumerate(ratings)]
    alternative = {"position": error, "candidate": 1}
    critique = {"position": error, "candidate": 0, "text": f"{text} This is wrong.", "is_own": True}
    person = {
        "labeler": "ada",
        "round": 1,
        "finish_reason": "solution" if is_good else "found_error",
        "submitted_at": "2024-05-01T10:00:00Z" if number % 2 else "2024-05-01T10:00:00.123456Z",
        "active_ms": 41000 if is_late else None,
        "steps": rated if is_good else [*rated, alternative | {"rating": 1}],
        "critiques": [] if is_good else [critique],
    }
    verdict = {"rating": 1, "confidence": 1 if number % 2 else SCORE, "reason": text or None}
    judge = {"judge": "critic", "version": 3, "steps": [verdict | {"position": place} for place in range(3)]}
    counts = [{"position": place, "rollouts": 8, "successes": 8 - place, "missing": 0} for place in range(3)]
    run = {"run": 5, "completer": "m", "strategy": "math-shepherd", "steps": counts}
    problem = {
        "external_id": f"p-{number}",
        "statement": f"{text} What is {number}?",
        "reference_answer": text if is_late and text else None,
        "subject": "12" if is_late else None,
        "extras": {"kind": number} if number % 2 else {"other": {"deep": text}},
    }
    solution = {
        "external_id": f"s-{number}",
        "source": "tiny",
        "final_answer": text or None,
        "is_correct": bool(number % 2),
        "verifier_score": SCORE if is_late else None,
        "steps": [
            *({"position": place, "text": step} for place, step in enumerate(steps)),
            *([] if is_good else [alternative | {"text": f"{text} Better.", "chosen": False}]),
        ],
    }
    return {
        "problem": problem,
        "solution": solution,
        "people": [person],
        "monte_carlo": [run] if number % 2 else [],
        "judges": [judge] if is_late else [],
    }


def criticized_rows(number: int) -> list[dict[str, Any]]:
    """A right and a wrong solution of one problem, with the same beginning, and critics who agree and disagree."""
    text = TEXTS[number % len(TEXTS)] or "It"
    problem = {
        "statement": f"{text} What is twice {number}?",
        "reference_answer": str(2 * number),
        "verifier": "numeric",
    }
    critique = {"position": 1, "text": f"{text} No.", "origin": "human", "is_own": True}
    rows: list[dict[str, Any]] = []
    for is_right in (True, False):
        texts = ["We double it.", f"That is {2 * number if is_right else number}."]
        ratings = [{"position": 0, "rating": 1}, {"position": 1, "rating": 1 if is_right else -1}]
        person = {
            "labeler": "ada",
            "round": 1,
            "finish_reason": "solution" if is_right else "found_error",
            "steps": ratings,
            "critiques": [] if is_right else [critique],
        }
        judge = {"judge": "critic", "steps": [{"position": place, "rating": 1, "reason": text} for place in (0, 1)]}
        steps = [{"position": place, "text": step} for place, step in enumerate(texts)]
        answer = str(2 * number if is_right else number)
        solution = {"source": "tiny", "steps": steps, "is_correct": is_right, "final_answer": answer}
        rows.append({"problem": problem, "solution": solution, "people": [person], "judges": [judge]})
    return rows


def comparison_row(number: int) -> dict[str, Any]:
    text = TEXTS[number % len(TEXTS)] or "Nothing."
    preference = {"choice": "left", "margin": ["clearly", "slightly", ""][number % 3], "rationale": text}
    person = {
        "labeler": "ada",
        "round": 2,
        "protocol": "comparison",
        "finish_reason": "solution",
        "preference": preference,
    }
    sides = {side: {"source": side, "steps": [f"{text} {side}."]} for side in ("left", "right")}
    return {"problem": {"statement": f"{text} Which is {number}?"}, "comparison": sides, "people": [person]}


def fill(
    project: Project,
    *,
    solutions: int = 18,
    first: int = 0,
    comparisons: int = 9,
    criticized: int = 0,
    filler: str = "",
) -> Project:
    """Import that many rows of each kind into the project; of `criticized` problems, two solutions each."""
    rows = [solution_row(number, filler=filler) for number in range(first, first + solutions)]
    rows += [row for number in range(criticized) for row in criticized_rows(number + 1)]
    rows += [comparison_row(number) for number in range(comparisons)]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    batch = create_import(project=project, file=ContentFile(content), filename="rich.jsonl", format="jsonl")
    batch = run_import(batch_id=batch.pk)
    assert not batch.error, batch.error
    assert not batch.rejected, batch.rejected
    return project
