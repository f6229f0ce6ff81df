"""What people said, out of the database into flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from apps.projects.models import Project
from apps.quality.ratings import Ints, Ratings, ints

AT_ONCE = 50_000

_STEPS = """
SELECT s.id, s.solution_id FROM corpus_step s
WHERE s.chosen AND s.solution_id = ANY(%(solutions)s) ORDER BY s.solution_id, s.position
"""

# Members who are suspended are not heard: their labels stay, and count again when the suspension is lifted.
_WORDS = """
SELECT l.step_id, a.labeler_id, a.id, l.rating
FROM corpus_step s JOIN labeling_steplabel l ON l.step_id = s.id JOIN labeling_assignment a ON a.id = l.assignment_id
WHERE s.chosen AND s.solution_id = ANY(%(solutions)s) AND l.rating IS NOT NULL AND a.state IN ('submitted', 'extra')
  AND a.labeler_id <> ALL(%(unheard)s)
ORDER BY a.submitted_at NULLS FIRST, a.id, s.position
"""

_UNHEARD = """
SELECT coalesce(array_agg(user_id), '{}') FROM projects_membership WHERE project_id = %s AND status = 'suspended'
"""


@dataclass(frozen=True, slots=True)
class Words:
    """Ratings by number, with the ids behind the numbers: `solutions`, `steps` and `labelers`, each in order."""

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints


def words_of(project: Project, solution_ids: Sequence[int]) -> Words:
    """Of these solutions; those without steps are left out. Of several turns of one labeler the newest counts."""
    with connection.cursor() as cursor:
        cursor.execute(_UNHEARD, [project.pk])
        unheard = cursor.fetchone()[0]
        asked = {"solutions": list(solution_ids), "unheard": unheard}
        steps = _table(cursor, _STEPS, asked, 2)
        said = _table(cursor, _WORDS, asked, 4)
    step_ids, solution_of = steps[:, 0], steps[:, 1]
    solutions, starts = np.unique(solution_of, return_index=True)
    offsets = np.append(starts, len(step_ids))
    by_id = np.argsort(step_ids)
    places = by_id[np.searchsorted(step_ids, said[:, 0], sorter=by_id)]
    labelers, numbers = np.unique(said[:, 1], return_inverse=True)
    newest = _newest_turn(solution_of[places], numbers, said[:, 2])
    ratings = Ratings.of(
        places[newest], numbers[newest], said[newest, 3], offsets if len(solutions) else [0], max(1, len(labelers))
    )
    return Words(ratings, solutions, step_ids, labelers)


def _table(cursor: Any, statement: str, asked: dict[str, Any], width: int) -> Ints:
    cursor.execute(statement, asked)
    parts = [ints(rows) for rows in iter(lambda: cursor.fetchmany(AT_ONCE), [])]
    return np.concatenate(parts) if parts else np.zeros((0, width), dtype=np.int64)


def _newest_turn(solutions: Ints, labelers: Ints, turns: Ints) -> Any:
    """Which entries belong to the last turn of their labeler at their solution."""
    if not len(turns):
        return np.zeros(0, dtype=np.bool_)
    keys = solutions * (int(labelers.max()) + 1) + labelers
    _, of_key = np.unique(keys, return_inverse=True)
    last = np.zeros(int(of_key.max()) + 1, dtype=np.int64)
    np.maximum.at(last, of_key, turns)
    return turns == last[of_key]


def chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
