"""What a project knows of each labeler: speed, time, gold, and how they stand to what stands."""

from __future__ import annotations

from typing import Any

from django.db import connection

from apps.corpus.labels import UNKNOWN
from apps.labeling.models.counted import SUBMITTED_STATES
from apps.projects.models import Project
from apps.quality.consensus.load import LoadedRatings
from apps.quality.gold.marks import scores_of
from apps.quality.models import Consensus, How
from apps.quality.statistics.agreement import others_first_errors

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
WHERE r.project_id = %s AND a.state = ANY(%s) GROUP BY a.labeler_id
"""


def labeler_rows(project: Project, words: LoadedRatings) -> list[Row]:
    """One for each who handed anything in, by user id. Times are milliseconds."""
    gold, other_sources = scores_of(project), _with_others(words)
    with connection.cursor() as cursor:
        cursor.execute(_WORK, [project.pk, list(SUBMITTED_STATES)])
        work = cursor.fetchall()
    rows = []
    for labeler, assignments, median, active, idle, days, last, early, corrected in work:
        row: Row = {
            "labeler": labeler,
            "assignments": assignments,
            "median_ms": median,
            "active_ms": int(active),
            "idle_ms": int(idle),
            "days": days,
            "last": last.isoformat() if last else None,
            "left_early": early,
            "corrected": int(corrected),
            "agrees": other_sources.get(labeler, (0, 0)),
        }
        if labeler in gold:
            found = gold[labeler]
            for name in ("exact", "within_one", "steps"):
                share = getattr(found, name)
                tasks = found.step_tasks if name == "steps" else share.of
                row[name] = {"hits": share.hits, "of": share.of, "interval": share.interval, "tasks": tasks}
        rows.append(row)
    return sorted(rows, key=lambda row: -row["assignments"])


def _with_others(words: LoadedRatings) -> dict[int, tuple[int, int]]:
    """How often each names the first error that stands without their own voice, of how many.

    That is another reviewer's word, else the majority of the others: who settled a solution and labeled it, before or
    after, does not agree with themselves. Where either side cannot be told nothing is compared.
    """
    adjudicated = Consensus.objects.settled().filter(solution__in=words.solutions.tolist(), how=How.ADJUDICATED)
    stands = {
        pk: (first_error, by) for pk, first_error, by in adjudicated.values_list("pk", "first_error", "settled_by")
    }
    said, others = others_first_errors(words.ratings)
    solutions, labelers = words.solutions[said.solutions].tolist(), words.labelers[said.labelers].tolist()
    counts: dict[int, tuple[int, int]] = {}
    for solution, labeler, own, other in zip(solutions, labelers, said.errors.tolist(), others.tolist(), strict=True):
        word, by = stands.get(solution, (other, None))
        expected = other if by == labeler else word
        if UNKNOWN not in (own, expected):
            hits, of = counts.get(labeler, (0, 0))
            counts[labeler] = (hits + (own == expected), of + 1)
    return counts
