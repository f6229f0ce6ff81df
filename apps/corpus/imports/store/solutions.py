"""Stores solutions, which are identified by their content; an external id belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.utils import timezone

from apps.core.db.copy import as_json, copy_rows, next_ids
from apps.corpus.imports.store.chunk import Incoming, Outcome
from apps.corpus.models import ImportBatch, Solution, SolutionGrade

FIELDS = [
    "id",
    "project",
    "problem",
    "digest",
    "external_id",
    "source",
    "final_answer",
    "is_correct",
    "claimed_correct",
    "grade",
    "graded_by",
    "verifier_score",
    "step_count",
    "separator",
    "extras",
    "created_at",
    "batch",
]

Key = tuple[int, UUID]


def store_solutions(batch: ImportBatch, rows: Sequence[Incoming], outcome: Outcome) -> list[Incoming]:
    """Store the new solutions; returns the rows that are not rejected, each with its solution's id."""
    keys = [(row.known_problem.id, row.solution_digest) for row in rows if row.solution_digest is not None]
    existing = _existing(rows, keys)
    by_external_id = keys_by_external_id(batch.project_id, rows)
    ids = iter(next_ids(Solution, len(rows)))
    accepted: list[Incoming] = []
    new: list[tuple[Incoming, Key]] = []
    for row, key in zip(rows, keys, strict=True):
        external_id = row.solution.external_id
        if external_id and by_external_id.setdefault(external_id, key) != key:
            outcome.reject(
                row, "solution.external_id", f"{external_id!r} is already the ID of another solution in this project"
            )
            continue
        row.is_new = key not in existing
        if row.is_new:
            existing[key] = next(ids)
            new.append((row, key))
        row.solution_id = existing[key]
        accepted.append(row)
    copy_rows(Solution, FIELDS, _rows(batch, new))
    outcome.solutions += len(new)
    return accepted


def _existing(rows: Sequence[Incoming], keys: Sequence[Key]) -> dict[Key, int]:
    old_ids = {row.known_problem.id for row in rows if not row.known_problem.is_new}
    if not old_ids:
        return {}
    solutions = Solution.objects.filter(problem_id__in=old_ids, digest__in={digest for _, digest in keys})
    return {(problem, digest): pk for problem, digest, pk in solutions.values_list("problem_id", "digest", "id")}


def keys_by_external_id(project_id: int, rows: Sequence[Incoming]) -> dict[str, Key]:
    external_ids = {row.solution.external_id for row in rows if row.solution.external_id}
    if not external_ids:
        return {}
    solutions = Solution.objects.filter(project_id=project_id, external_id__in=external_ids)
    return {
        str(name): (problem, digest)
        for name, problem, digest in solutions.values_list("external_id", "problem_id", "digest")
    }


def _rows(batch: ImportBatch, new: Sequence[tuple[Incoming, Key]]) -> Iterator[tuple[object, ...]]:
    now = timezone.now()
    for row, (problem_id, digest) in new:
        solution, graded = row.solution, row.graded
        # Without a reference answer, only the file says whether the answer is right.
        is_correct = solution.is_correct if graded.grade == SolutionGrade.UNGRADED else graded.is_correct
        yield (
            row.solution_id,
            batch.project_id,
            problem_id,
            digest,
            solution.external_id,
            solution.source,
            graded.answer,
            is_correct,
            solution.is_correct,
            graded.grade,
            graded.by,
            solution.verifier_score,
            sum(step.chosen for step in solution.steps),
            solution.separator,
            as_json(solution.extras),
            now,
            batch.pk,
        )
