"""Stores problems, which are identified by their statement; a later row may fill values that an earlier one lacks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.core.db.copy import as_json, copy_rows, next_ids
from apps.corpus.imports.store.chunk import Incoming, KnownProblem, Outcome
from apps.corpus.models import ImportBatch, Problem
from apps.corpus.records import ProblemRecord

FIELDS = [
    "id",
    "project",
    "digest",
    "external_id",
    "statement",
    "reference_answer",
    "reference_solution",
    "verifier",
    "subject",
    "level",
    "split",
    "extras",
    "created_at",
    "batch",
]

# Values that a later row may add to an existing problem. They are never overwritten.
FILLABLE = ["external_id", "reference_answer", "reference_solution", "verifier", "subject", "level", "split"]


def store_problems(batch: ImportBatch, incoming: Sequence[Incoming], outcome: Outcome) -> list[Incoming]:
    """Store the new problems and fill the existing ones; returns the rows that are not rejected."""
    by_digest, by_external_id = _existing(incoming, batch.project_id)
    accepted: list[Incoming] = []
    new: list[tuple[KnownProblem, ProblemRecord]] = []
    for row in incoming:
        record = row.record.problem
        digest = row.problem_digest
        holder = by_external_id.get(record.external_id) if record.external_id else None
        if holder is not None and holder.digest != digest:
            outcome.reject(
                row,
                "problem.external_id",
                f"{record.external_id!r} is already the ID of a problem with another statement",
            )
            continue
        row.is_new = digest not in by_digest
        if row.is_new:
            row.problem = by_digest[digest] = KnownProblem(0, digest, _values(record), is_new=True)
            new.append((row.problem, record))
        else:
            row.problem = by_digest[digest]
            row.problem.fill(_values(record))
        if row.problem.values["external_id"]:
            by_external_id[row.problem.values["external_id"]] = row.problem
        accepted.append(row)
    _store(batch, new)
    filled = [
        Problem(pk=problem.id, **{**problem.values, "verifier": problem.values["verifier"] or ""})
        for problem in by_digest.values()
        if problem.is_filled and not problem.is_new
    ]
    if filled:
        Problem.objects.bulk_update(filled, FILLABLE, batch_size=500)
    outcome.filled_problem_ids.extend(problem.pk for problem in filled)
    outcome.problems += len(new)
    return accepted


def _existing(
    incoming: Sequence[Incoming], project_id: int
) -> tuple[dict[UUID, KnownProblem], dict[str, KnownProblem]]:
    digests = {row.problem_digest for row in incoming}
    external_ids = {row.record.problem.external_id for row in incoming if row.record.problem.external_id}
    rows = Problem.objects.filter(Q(digest__in=digests) | Q(external_id__in=external_ids), project_id=project_id)
    problems = [
        KnownProblem(pk, digest, dict(zip(FILLABLE, values, strict=True)))
        for pk, digest, *values in rows.values_list("id", "digest", *FILLABLE)
    ]
    by_external_id = {name: problem for problem in problems if (name := problem.values["external_id"])}
    return {problem.digest: problem for problem in problems}, by_external_id


def _values(record: ProblemRecord) -> dict[str, str | None]:
    return {name: getattr(record, name) for name in FILLABLE}


def _store(batch: ImportBatch, new: Sequence[tuple[KnownProblem, ProblemRecord]]) -> None:
    now = timezone.now()
    for (problem, _), pk in zip(new, next_ids(Problem, len(new)), strict=True):
        problem.id = pk
    rows = (
        (
            problem.id,
            batch.project_id,
            problem.digest,
            problem.values["external_id"],
            record.statement,
            problem.values["reference_answer"],
            problem.values["reference_solution"],
            problem.values["verifier"] or "",
            problem.values["subject"],
            problem.values["level"],
            problem.values["split"],
            as_json(record.extras),
            now,
            batch.pk,
        )
        for problem, record in new
    )
    copy_rows(Problem, FIELDS, rows)
