"""Histograms of a run's scores: of its steps, and of its solutions by whether their answer is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.core.cache import cache
from django.db import connection

from apps.scoring.models import ScoringRun

CACHE_SECONDS = 24 * 3600
BINS = 10

_STEPS = """
SELECT least(%(last)s, floor(score * %(bins)s)::int), count(*) FROM scoring_stepscore WHERE run_id = %(run)s GROUP BY 1
"""
_SOLUTIONS = """
SELECT least(%(last)s, floor(r.score * %(bins)s)::int), s.is_correct, count(*)
FROM scoring_solutionscore r JOIN corpus_solution s ON s.id = r.solution_id
WHERE r.run_id = %(run)s AND r.score IS NOT NULL AND s.is_correct IS NOT NULL GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """A tenth of the scores: its count, and that as a share of the highest bar."""

    label: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ScoreHistograms:
    """Empty lists where there are no scores, or no graded answers."""

    steps: list[ScoreBar]
    right: list[ScoreBar]
    wrong: list[ScoreBar]


def score_histograms(run: ScoringRun) -> ScoreHistograms:
    """Cached until the run stores more. An imported run, which counts nothing, is read each time."""
    if run.origin:
        return _read(run)
    key = f"score-histograms:{run.pk}:{run.status}:{run.done}"
    return cast("ScoreHistograms", cache.get_or_set(key, lambda: _read(run), CACHE_SECONDS))


def _read(run: ScoringRun) -> ScoreHistograms:
    values = {"run": run.pk, "bins": BINS, "last": BINS - 1}
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, values)
        steps: dict[int, int] = dict(cursor.fetchall())
        cursor.execute(_SOLUTIONS, values)
        rows = cursor.fetchall()
    right = {bin_: count for bin_, is_right, count in rows if is_right}
    wrong = {bin_: count for bin_, is_right, count in rows if not is_right}
    return ScoreHistograms(_bars(steps), _bars(right), _bars(wrong))


def _bars(counts: dict[int, int]) -> list[ScoreBar]:
    highest = max(counts.values(), default=0)
    if not highest:
        return []
    return [
        ScoreBar(f"{bin_ / BINS:.1f} to {(bin_ + 1) / BINS:.1f}", counts.get(bin_, 0), counts.get(bin_, 0) / highest)
        for bin_ in range(BINS)
    ]
