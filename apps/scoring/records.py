"""Scores as records, for exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from apps.corpus.records import ScoreRecord, StepScoreRecord
from apps.runs.status import counted_run_q
from apps.scoring.models import StepScore


def score_records(solution_ids: Sequence[int]) -> dict[int, list[ScoreRecord]]:
    """By solution: the scores of its path in each counted run, the oldest run first. One query."""
    rows = StepScore.objects.filter(counted_run_q("run__"), step__solution__in=solution_ids, step__chosen=True)
    steps: defaultdict[int, dict[int, list[StepScoreRecord]]] = defaultdict(dict)
    runs: dict[int, tuple[str, int | None]] = {}
    columns = ("step__solution_id", "run_id", "run__model", "run__origin", "run__number", "run__run_in_file")
    rows = rows.order_by("step__solution_id", "run__number", "step__position")
    for solution_id, run_id, model, origin, number, in_file, position, score in rows.values_list(
        *columns, "step__position", "score"
    ):
        # An imported run keeps the number that its file gave it.
        runs[run_id] = (model, in_file if origin else number)
        steps[solution_id].setdefault(run_id, []).append(StepScoreRecord(position=position, score=score))
    return {solution_id: _records(by_run, runs) for solution_id, by_run in steps.items()}


def _records(by_run: dict[int, list[StepScoreRecord]], runs: dict[int, tuple[str, int | None]]) -> list[ScoreRecord]:
    """A row may not have a scorer's run twice: of a run of ours and an imported one, the newer loses its number."""
    records: dict[tuple[str, int | None], ScoreRecord] = {}
    for run_id, steps in by_run.items():
        scorer, number = runs[run_id]
        key = (scorer, None if (scorer, number) in records else number)
        records[key] = ScoreRecord(scorer=scorer, run=key[1], steps=steps)
    return list(records.values())
