"""What a project knows of each labeler: speed, time, gold, and how they stand to what stands."""

from __future__ import annotations

from typing import Any

from django.db import connection

from apps.projects.models import Project
from apps.quality.goldmarks import scores_of
from apps.quality.models import Consensus
from apps.quality.words import Words

Row = dict[str, Any]

# Speed is that of first submissions; time and cost are of all that was done.
_WORK = """
SELECT a.labeler_id, count(*),
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY CASE WHEN a.versions = 0 THEN a.active_ms ELSE (p.said ->> 'active_ms')::bigint END
       ),
       coalesce(sum(a.active_ms), 0),
       coalesce(sum(a.idle_ms), 0), count(DISTINCT date(a.submitted_at)), max(a.submitted_at),
       count(*) FILTER (WHERE a.finish_reason IN ('give_up', 'bad_problem')), sum(a.versions)
FROM labeling_assignment a JOIN labeling_round r ON r.id = a.round_id
LEFT JOIN labeling_pastsubmission p ON p.assignment_id = a.id AND p.number = 1
WHERE r.project_id = %s AND a.state IN ('submitted', 'extra') GROUP BY a.labeler_id
"""


def labeler_rows(project: Project, words: Words) -> list[Row]:
    """One for each who handed anything in, by user id. Times are milliseconds."""
    gold, beside = scores_of(project), _with_consensus(words)
    with connection.cursor() as cursor:
        cursor.execute(_WORK, [project.pk])
        work = cursor.fetchall()
    rows = []
    for labeler, turns, median, active, idle, days, last, early, corrected in work:
        row: Row = {
            "labeler": labeler, "turns": turns, "median_ms": median, "active_ms": int(active), "idle_ms": int(idle),
            "days": days, "last": last.isoformat() if last else None, "left_early": early, "corrected": int(corrected),
            "agrees": beside.get(labeler, (0, 0)),
        }  # fmt: skip
        if labeler in gold:
            found = gold[labeler]
            for name in ("exact", "within_one", "steps"):
                share = getattr(found, name)
                row[name] = {"hits": share.hits, "of": share.of, "interval": share.interval}
        rows.append(row)
    return sorted(rows, key=lambda row: -row["turns"])


def _with_consensus(words: Words) -> dict[int, tuple[int, int]]:
    """How often each names the first error that stands, of how many. Where only one spoke, nothing is compared."""
    settled = Consensus.objects.settled().filter(solution__in=words.solutions.tolist(), people__gt=1)
    stands = dict(settled.values_list("solution_id", "first_error"))
    said = words.ratings.first_errors()
    counts: dict[int, tuple[int, int]] = {}
    solutions, labelers = words.solutions[said.solutions].tolist(), words.labelers[said.labelers].tolist()
    for solution, labeler, error in zip(solutions, labelers, said.errors.tolist(), strict=True):
        if solution in stands:
            hits, of = counts.get(labeler, (0, 0))
            counts[labeler] = (hits + (error == stands[solution]), of + 1)
    return counts
