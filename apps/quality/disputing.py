"""Which solutions are in dispute, and of what kind: rows that reviewers' queues read."""

from __future__ import annotations

from django.db import connection

from apps.corpus.labels import UNKNOWN
from apps.projects.models import Project
from apps.quality.beside import Beside
from apps.quality.disputes import Evidence, disputes
from apps.quality.models import DisputeCount, OpenDispute
from apps.quality.outcomes import Outcomes

_COUNT = """
INSERT INTO quality_disputecount (project_id, kind, count)
SELECT project_id, kind, count(*) FROM quality_opendispute WHERE project_id = %s GROUP BY project_id, kind
"""


def store_disputes(project: Project, outcomes: Outcomes, known: Beside, *, convincing: float) -> None:
    """What a reviewer has settled is in dispute no longer, nor is a version in whose place a newer one stands."""
    wanted: set[tuple[int, str]] = set()
    rows = zip(
        outcomes.solutions.tolist(), outcomes.adjudicated.tolist(), outcomes.settlement.first_errors.tolist(),
        outcomes.words(), strict=True,
    )  # fmt: skip
    for pk, is_settled, first_error, people in rows:
        if not is_settled and pk not in known.older:
            kinds = disputes(_evidence(pk, people, first_error, known), convincing)
            wanted |= {(pk, kind.value) for kind in kinds}
    standing = {
        (pk, kind): row
        for row, pk, kind in OpenDispute.objects.filter(solution__in=outcomes.solutions.tolist()).values_list(
            "pk", "solution_id", "kind"
        )
    }
    OpenDispute.objects.filter(pk__in=[row for key, row in standing.items() if key not in wanted]).delete()
    OpenDispute.objects.bulk_create(
        (OpenDispute(solution_id=pk, project=project, kind=kind) for pk, kind in sorted(wanted - standing.keys())),
        ignore_conflicts=True,
        batch_size=5000,
    )
    if wanted ^ standing.keys():
        count_disputes(project)


def _evidence(pk: int, people: dict[str, int], first_error: int, known: Beside) -> Evidence:
    is_correct, score, _ = known.answers.get(pk, (None, None, 0))
    return Evidence(
        people=people,
        unsure=known.unsure.get(pk, set()),
        monte_carlo=known.monte_carlo.get(pk, UNKNOWN),
        judges=known.judges.get(pk, {}),
        gold=known.gold[pk].acceptable if pk in known.gold else frozenset(),
        consensus=first_error,
        is_correct=is_correct,
        score=score,
    )


def count_disputes(project: Project) -> None:
    DisputeCount.objects.filter(project=project).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [project.pk])
