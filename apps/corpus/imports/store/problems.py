"""Problems meet on their statement; a later row may fill what an earlier one left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
]

# What a later row may add to a problem that stands already. It never overwrites.
FILLABLE = ["external_id", "reference_answer", "reference_solution", "verifier", "subject", "level", "split"]


def store_problems(batch: ImportBatch, incoming: Sequence[Incoming], outcome: Outcome) -> list[Incoming]:
    """Store the new problems and fill the old ones; gives the rows that may go on."""
    by_digest, named = _known(incoming, batch.project_id)
    accepted: list[Incoming] = []
    new: list[tuple[KnownProblem, ProblemRecord]] = []
    for row in incoming:
        record = row.record.problem
        digest = row.problem_digest
        holder = named.get(record.external_id) if record.external_id else None
        if holder is not None and holder.digest != digest:
            outcome.reject(
                row,
                "problem.external_id",
                f"{record.external_id!r} already stands for a problem with another statement",
            )
            continue
        row.problem, row.is_new = _meet(by_digest, digest, record)
        if row.is_new:
            new.append((row.problem, record))
        if row.problem.values["external_id"]:
            named[row.problem.values["external_id"]] = row.problem
        accepted.append(row)
    _store(batch.project_id, new)
    _store_fillings([known for known in by_digest.values() if known.is_filled and not known.is_new], outcome)
    outcome.problems += len(new)
    return accepted


def _known(incoming: Sequence[Incoming], project_id: int) -> tuple[dict[UUID, KnownProblem], dict[str, KnownProblem]]:
    digests = {row.problem_digest for row in incoming}
    external_ids = {row.record.problem.external_id for row in incoming if row.record.problem.external_id}
    found = Problem.objects.filter(Q(digest__in=digests) | Q(external_id__in=external_ids), project_id=project_id)
    known = [
        KnownProblem(pk, digest, dict(zip(FILLABLE, values, strict=True)))
        for pk, digest, *values in found.values_list("id", "digest", *FILLABLE)
    ]
    named = {one.values["external_id"]: one for one in known if one.values["external_id"]}
    return {one.digest: one for one in known}, named


def _meet(by_digest: dict[UUID, KnownProblem], digest: UUID, record: ProblemRecord) -> tuple[KnownProblem, bool]:
    known = by_digest.get(digest)
    if known is None:
        known = by_digest[digest] = KnownProblem(0, digest, _values(record), is_new=True)
        return known, True
    for name, value in _values(record).items():
        if value and not known.values[name]:
            known.values[name], known.is_filled = value, True
    return known, False


def _values(record: ProblemRecord) -> dict[str, str | None]:
    return {name: getattr(record, name) for name in FILLABLE}


def _store(project_id: int, new: Sequence[tuple[KnownProblem, ProblemRecord]]) -> None:
    now = timezone.now()
    for (known, _), pk in zip(new, next_ids(Problem, len(new)), strict=True):
        known.id = pk
    rows = (
        (
            known.id,
            project_id,
            known.digest,
            known.values["external_id"],
            record.statement,
            known.values["reference_answer"],
            known.values["reference_solution"],
            known.values["verifier"] or "",
            known.values["subject"],
            known.values["level"],
            known.values["split"],
            as_json(record.extras),
            now,
        )
        for known, record in new
    )
    copy_rows(Problem, FIELDS, rows)


def _store_fillings(filled: Iterable[KnownProblem], outcome: Outcome) -> None:
    problems = [Problem(pk=one.id, **{**one.values, "verifier": one.values["verifier"] or ""}) for one in filled]
    outcome.filled_problem_ids.extend(problem.pk for problem in problems)
    if problems:
        Problem.objects.bulk_update(problems, FILLABLE, batch_size=500)
