"""From the scores of an ended run to `Solution.verifier_score`.

The newest counted run wins, by its number. A score that came with a file stays unless the run replaces those; each
result keeps what it replaced. The work is repeatable, in chunks: a worker that is killed leaves whole chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.core.db.locks import advisory_xact_lock
from apps.runs.status import counted_run_q, run_counts
from apps.scoring.models import ScoringRun, SolutionScore

CHUNK = 5000

_APPLY = """
WITH result AS (
    SELECT r.id, r.score, s.id AS solution_id, s.verifier_score AS old
    FROM scoring_solutionscore r JOIN corpus_solution s ON s.id = r.solution_id
    WHERE r.run_id = %(run)s AND r.id > %(after)s AND r.id <= %(upto)s AND r.score IS NOT NULL AND NOT r.is_applied
), applied AS (
    SELECT other.solution_id, bool_or(run.number > %(number)s) AS by_newer_run
    FROM scoring_solutionscore other JOIN scoring_scoringrun run ON run.id = other.run_id
    WHERE other.is_applied AND other.solution_id IN (SELECT solution_id FROM result)
    GROUP BY other.solution_id
), chosen AS (
    SELECT result.* FROM result LEFT JOIN applied ON applied.solution_id = result.solution_id
    WHERE CASE
        WHEN applied.by_newer_run IS NOT NULL THEN NOT applied.by_newer_run
        ELSE result.old IS NULL OR %(replaces)s
    END
), updated AS (
    UPDATE corpus_solution s SET verifier_score = chosen.score FROM chosen WHERE s.id = chosen.solution_id
)
UPDATE scoring_solutionscore r SET is_applied = true, replaced = chosen.old FROM chosen WHERE r.id = chosen.id
RETURNING r.solution_id
"""


class ScoreHook(Protocol):
    def __call__(self, *, project_id: int, solution_ids: Sequence[int]) -> None: ...


@cache
def score_hooks() -> Sequence[ScoreHook]:
    """Functions of apps above, called for each chunk of stored scores in its transaction."""
    return [import_string(path) for path in settings.SCORE_HOOKS]


def apply_scores(*, run_id: int) -> None:
    """Store the scores of solutions of a counted run, once no worker adds to them. Safe to repeat."""
    run = ScoringRun.objects.get(pk=run_id)
    if run.applied_at is not None or run.origin or not run_counts(run) or _has_worker(run):
        return
    results = SolutionScore.objects.filter(run=run, score__isnull=False).order_by("id")
    after = 0
    while ids := list(results.filter(id__gt=after).values_list("id", flat=True)[:CHUNK]):
        values = {"run": run.pk, "number": run.number, "replaces": run.replaces_imported, "after": after}
        with transaction.atomic(), connection.cursor() as cursor:
            # In a statement before: of two runs that end together, each sees what the other has stored.
            advisory_xact_lock("verifier scores", run.project_id)
            cursor.execute(_APPLY, {**values, "upto": ids[-1]})
            solution_ids = [row[0] for row in cursor.fetchall()]
            for hook in score_hooks():
                hook(project_id=run.project_id, solution_ids=solution_ids)
        after = ids[-1]
    ScoringRun.objects.filter(pk=run.pk, applied_at=None).update(applied_at=timezone.now())


def _has_worker(run: ScoringRun) -> bool:
    """A worker learns of a cancellation some moments later, and calls `apply_scores` when it has stopped."""
    return run.shards.filter(finished_at=None, leased_until__gt=timezone.now()).exists()


def unapplied_runs() -> QuerySet[ScoringRun]:
    """Counted runs whose scores of solutions are not all stored."""
    return ScoringRun.objects.filter(counted_run_q(), Q(origin=""), applied_at=None)
