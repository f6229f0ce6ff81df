"""The solutions' own paths: their chosen steps in order."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core.db.prepared import fetch

_CHOSEN = """
    SELECT solution_id, id, text FROM corpus_step WHERE solution_id = ANY(%s) AND chosen ORDER BY solution_id, position
"""


def chosen_steps(solution_ids: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """The ID and the text of each chosen step, by solution. Every passed solution is there, also without steps."""
    steps: dict[int, list[tuple[int, str]]] = {solution_id: [] for solution_id in solution_ids}
    for solution_id, step_id, text in fetch(_CHOSEN, [list(steps)]):
        steps[solution_id].append((step_id, text))
    return steps
