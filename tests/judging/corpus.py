"""Solutions that the tests' judge server can check: a step is bad where it says "wrong"."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from apps.core.db.copy import copy_rows, next_ids
from apps.corpus.labels import NO_ERROR
from apps.corpus.models import Problem, Solution, Step
from apps.projects.models import Project
from tests.cast import make_problem, make_solution


@transaction.atomic
def add_checked(project: Project, count: int, *, steps: int = 6) -> dict[int, int]:
    """Problems with one solution each. Returns the first error of each solution, by its ID; all are as frequent."""
    problem_ids, ids, now = next_ids(Problem, count), next_ids(Solution, count), timezone.now()
    copy_rows(
        Problem,
        ["id", "project", "digest", "statement", "reference_answer", "verifier", "created_at"],
        (
            (pk, project.pk, uuid.uuid4(), f"Compute {number} + {number}.", str(2 * number), "numeric", now)
            for number, pk in enumerate(problem_ids)
        ),
    )
    errors = [number % (steps + 1) if number % (steps + 1) < steps else NO_ERROR for number in range(count)]
    columns = ["id", "project", "problem", "digest", "final_answer", "is_correct", "grade", "graded_by", "step_count"]
    columns += ["separator", "created_at"]
    copy_rows(
        Solution,
        columns,
        (
            (pk, project.pk, problem, uuid.uuid4(), "", error == NO_ERROR, "match", "", steps, "\n", now)
            for pk, problem, error in zip(ids, problem_ids, errors, strict=True)
        ),
    )
    rows = (
        (pk, place, 0, _text(number, place, is_bad=place == error), "model", True)
        for number, (pk, error) in enumerate(zip(ids, errors, strict=True))
        for place in range(steps)
    )
    copy_rows(Step, ["solution", "position", "candidate", "text", "origin", "chosen"], rows)
    return dict(zip(ids, errors, strict=True))


def _text(number: int, place: int, *, is_bad: bool) -> str:
    part = f"the sum so far is {number + place}"
    return f"Step {place + 1}: {part}, which is wrong." if is_bad else f"Step {place + 1}: {part}, as it should be."


@transaction.atomic
def add_rivals(project: Project, count: int) -> None:
    """Problems with a right solution and a wrong one, which is longer."""
    for number in range(count):
        problem = make_problem(project, statement=f"Compute {number} + {number}.", reference_answer=str(2 * number))
        make_solution(problem, [f"It is {2 * number}."], is_correct=True)
        make_solution(problem, [f"It is {number}.", "But no: that is wrong, of course."], is_correct=False)
