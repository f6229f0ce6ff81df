"""Problems that the tests' model server can continue: "Compute A + B."."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from apps.core.db.copy import copy_rows, next_ids
from apps.corpus.models import Problem, Solution, Step
from apps.projects.models import Project


@transaction.atomic
def add_sums(
    project: Project, count: int, *, steps: int = 4, right: bool = False, reference: str | None = ""
) -> list[int]:
    """Problems with one solution each, whose last step states its answer. Returns the solutions' IDs."""
    problem_ids, ids, now = next_ids(Problem, count), next_ids(Solution, count), timezone.now()
    copy_rows(
        Problem,
        ["id", "project", "digest", "statement", "reference_answer", "verifier", "created_at"],
        (
            (
                pk,
                project.pk,
                uuid.uuid4(),
                f"Compute {number} + {number}.",
                _reference(number, reference),
                "numeric",
                now,
            )
            for number, pk in enumerate(problem_ids)
        ),
    )
    columns = ["id", "project", "problem", "digest", "final_answer", "is_correct", "grade", "graded_by", "step_count"]
    columns += ["separator", "created_at"]
    grade = "match" if right else "no_match"
    copy_rows(
        Solution,
        columns,
        (
            (pk, project.pk, problem, uuid.uuid4(), str(2 * number + (not right)), right, grade, "", steps, "\n", now)
            for number, (pk, problem) in enumerate(zip(ids, problem_ids, strict=True))
        ),
    )
    rows = (
        (pk, place, 0, _text(number, place, steps, right=right), "model", True)
        for number, pk in enumerate(ids)
        for place in range(steps)
    )
    copy_rows(Step, ["solution", "position", "candidate", "text", "origin", "chosen"], rows)
    return ids


def _reference(number: int, given: str | None) -> str | None:
    return str(2 * number) if given == "" else given


def _text(number: int, place: int, steps: int, *, right: bool) -> str:
    if place < steps - 1:
        return f"Step {place + 1}: we add a little more."
    return f"Step {place + 1}: The answer is: {2 * number + (not right)}"
