"""Stores comparisons, which are identified by their two sides in either order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from apps.core.db.copy import as_json, copy_rows, next_ids
from apps.corpus.comparisons import Pair, Side, shared_steps
from apps.corpus.imports.extensions import StoredRecord
from apps.corpus.imports.store.chunk import Incoming, Pairing
from apps.corpus.models import Comparison, ImportBatch
from apps.corpus.records import StepPlace

FIELDS = [
    "id",
    "project",
    "problem",
    "left",
    "right",
    "left_step",
    "right_step",
    "shared_steps",
    "digest",
    "external_id",
    "extras",
    "created_at",
    "batch",
]

Key = tuple[int, UUID]


class Stored(NamedTuple):
    """A stored comparison. `is_turned`: its right side is the left side of the pair."""

    id: int
    is_turned: bool
    is_new: bool


def store_pairs(project_id: int, pairs: Sequence[Pair], batch_id: int | None = None) -> list[Stored]:
    """The comparison of each pair, created where there is none, by the import `batch_id` if there is one.

    The caller holds the project's lock of imports.
    """
    keys = [(pair.problem_id, pair.digest) for pair in pairs]
    existing = _existing(keys)
    missing: dict[Key, Pair] = {}
    for key, pair in zip(keys, pairs, strict=True):
        if key not in existing:
            missing.setdefault(key, pair)
    ids = dict(zip(missing, next_ids(Comparison, len(missing)), strict=True))
    copy_rows(Comparison, FIELDS, _rows(project_id, missing, ids, batch_id))
    existing |= {key: (ids[key], pair.left.solution_id, pair.left.step_id) for key, pair in missing.items()}
    stored: list[Stored] = []
    for key, pair in zip(keys, pairs, strict=True):
        pk, left_id, left_step_id = existing[key]
        is_turned = (left_id, left_step_id) != (pair.left.solution_id, pair.left.step_id)
        stored.append(Stored(pk, is_turned, missing.pop(key, None) is not None))
    return stored


def _existing(keys: Sequence[Key]) -> dict[Key, tuple[int, int, int | None]]:
    comparisons = Comparison.objects.filter(
        problem_id__in={problem for problem, _ in keys}, digest__in={digest for _, digest in keys}
    )
    rows = comparisons.values_list("problem_id", "digest", "id", "left_id", "left_step_id")
    return {(problem, digest): (pk, left_id, step_id) for problem, digest, pk, left_id, step_id in rows}


def _rows(
    project_id: int, pairs: Mapping[Key, Pair], ids: Mapping[Key, int], batch_id: int | None
) -> Iterator[tuple[object, ...]]:
    now = timezone.now()
    for key, pair in pairs.items():
        yield (
            ids[key],
            project_id,
            pair.problem_id,
            pair.left.solution_id,
            pair.right.solution_id,
            pair.left.step_id,
            pair.right.step_id,
            pair.shared_steps,
            key[1],
            pair.external_id,
            as_json(pair.extras),
            now,
            batch_id,
        )


def store_comparisons(
    batch: ImportBatch, rows: Sequence[Incoming], sides: Mapping[int, StoredRecord]
) -> list[StoredRecord]:
    """Store the comparisons whose sides are stored; `sides` has the stored solution of each row, by the row's id."""
    pairings = [row.pairing for row in rows if row.pairing is not None and row.pairing.left is row]
    pairings = [pairing for pairing in pairings if pairing.is_stored]
    stored = store_pairs(batch.project_id, [_pair(pairing, sides) for pairing in pairings], batch.pk)
    return [
        StoredRecord(
            pairing.left.line,
            pairing.record,
            pairing.left.solution_id,
            is_new=comparison.is_new,
            comparison_id=comparison.id,
            is_turned=comparison.is_turned,
        )
        for pairing, comparison in zip(pairings, stored, strict=True)
    ]


def _pair(pairing: Pairing, sides: Mapping[int, StoredRecord]) -> Pair:
    comparison = pairing.record.comparison
    assert comparison is not None
    if comparison.left_step is not None and comparison.right_step is not None:
        shared = comparison.left_step.position
    else:
        shared = shared_steps(*([step.text for step in side.path()] for side in comparison.sides()))
    return Pair(
        pairing.left.known_problem.id,
        _side(pairing.left, sides[id(pairing.left)], comparison.left_step),
        _side(pairing.right, sides[id(pairing.right)], comparison.right_step),
        shared,
        comparison.external_id,
        dict(comparison.extras),
    )


def _side(row: Incoming, stored: StoredRecord, step: StepPlace | None) -> Side:
    assert row.solution_digest is not None
    place = (step.position, step.candidate) if step is not None else None
    step_id = stored.step_id(*place) if place is not None else None
    return Side(row.solution_id, row.solution_digest, step_id, place)
