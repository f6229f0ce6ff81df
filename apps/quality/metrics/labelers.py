"""Figures of each labeler of a project: speed, time, score on gold, and agreement with the others."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Count

from apps.corpus.labels import UNKNOWN
from apps.labeling.models.counted import SUBMITTED_STATES
from apps.labeling.protocols.base import LEFT_EARLY
from apps.projects.models import Project
from apps.quality.consensus.load import LoadedRatings
from apps.quality.gold.marks import scores_of
from apps.quality.models import Consensus, ConsensusMethod, FastMark
from apps.quality.statistics.agreement import others_first_errors

Row = dict[str, Any]

# The median time is that of first submissions; total time and cost are of all work.
_WORK = """
SELECT a.labeler_id, count(*),
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY CASE WHEN a.versions = 0 THEN a.active_ms ELSE (p.submission ->> 'active_ms')::bigint END
       ),
       coalesce(sum(a.active_ms), 0),
       coalesce(sum(a.idle_ms), 0), count(DISTINCT date(a.submitted_at)), max(a.submitted_at),
       count(*) FILTER (WHERE a.finish_reason = ANY(%s)), sum(a.versions)
FROM labeling_assignment a JOIN labeling_round r ON r.id = a.round_id
LEFT JOIN labeling_pastsubmission p ON p.assignment_id = a.id AND p.number = 1
WHERE r.project_id = %s AND a.state = ANY(%s) GROUP BY a.labeler_id
"""


def labeler_rows(project: Project, loaded: LoadedRatings) -> list[Row]:
    """A row for each labeler with a submission, the most submissions first. Times are in milliseconds."""
    scores, agreements = scores_of(project), _agreement_with_others(loaded)
    marked = FastMark.objects.filter(project=project).order_by().values_list("labeler")
    fast = dict(marked.annotate(count=Count("pk")))
    with connection.cursor() as cursor:
        cursor.execute(_WORK, [list(LEFT_EARLY), project.pk, list(SUBMITTED_STATES)])
        work = cursor.fetchall()
    rows = []
    for labeler, assignments, median, active, idle, days, last, left_early, corrected in work:
        row: Row = {
            "labeler": labeler,
            "assignments": assignments,
            "median_ms": median,
            "active_ms": int(active),
            "idle_ms": int(idle),
            "days": days,
            "last": last.isoformat() if last else None,
            "left_early": left_early,
            "corrected": int(corrected),
            "fast": fast.get(labeler, 0),
            "agrees": agreements.get(labeler, (0, 0)),
        }
        if labeler in scores:
            score = scores[labeler]
            for name in ("exact", "within_one", "steps"):
                share = getattr(score, name)
                tasks = score.step_tasks if name == "steps" else share.of
                row[name] = {"hits": share.hits, "of": share.of, "interval": share.interval, "tasks": tasks}
        rows.append(row)
    return sorted(rows, key=lambda row: -row["assignments"])


def _agreement_with_others(loaded: LoadedRatings) -> dict[int, tuple[int, int]]:
    """By labeler: how often they name the first error of the others, and in how many solutions it was compared.

    The first error of the others is that which another reviewer adjudicated, else their majority. A solution that the
    labeler adjudicated is compared with the majority of the others, not with the labeler's own decision. Solutions
    where either first error is UNKNOWN are left out.
    """
    adjudicated = {
        pk: (first_error, reviewer)
        for pk, first_error, reviewer in Consensus.objects.settled()
        .filter(solution__in=loaded.solutions.tolist(), how=ConsensusMethod.ADJUDICATED)
        .values_list("pk", "first_error", "adjudicated_by")
    }
    named, of_others = others_first_errors(loaded.ratings)
    counts: dict[int, tuple[int, int]] = {}
    for solution, labeler, own, by_majority in zip(
        loaded.solutions[named.solutions].tolist(),
        loaded.labelers[named.labelers].tolist(),
        named.errors.tolist(),
        of_others.tolist(),
        strict=True,
    ):
        by_reviewer, reviewer = adjudicated.get(solution, (by_majority, None))
        expected = by_majority if reviewer == labeler else by_reviewer
        if UNKNOWN not in (own, expected):
            hits, of = counts.get(labeler, (0, 0))
            counts[labeler] = (hits + (own == expected), of + 1)
    return counts
