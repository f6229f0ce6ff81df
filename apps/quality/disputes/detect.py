"""Which solutions are in dispute, and of what kind: rows that reviewers' queues read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from django.db import connection

from apps.corpus.labels import UNKNOWN
from apps.projects.models import Project
from apps.quality.aggregation.merge import Outcomes
from apps.quality.disputes.kinds import Dispute, Evidence, contradicts_gold, disputes
from apps.quality.disputes.other_sources import OtherSources
from apps.quality.models import DisputeCount, OpenDispute

_COUNT = """
INSERT INTO quality_disputecount (project_id, kind, count)
SELECT project_id, kind, count(*) FROM quality_opendispute WHERE project_id = %s GROUP BY project_id, kind
"""


def store_disputes(project: Project, outcomes: Outcomes, known: OtherSources, *, convincing: float) -> None:
    """What a reviewer has settled is in dispute no longer, unless gold contradicts it: then two reviewers' words do.

    A version in whose place a newer one stands, and a retired problem, wait for nobody.
    """
    wanted: set[tuple[int, str]] = set()
    misses = _gold_misses(outcomes, known)
    rows = zip(
        outcomes.solutions.tolist(),
        outcomes.adjudicated.tolist(),
        outcomes.settlement.first_errors.tolist(),
        outcomes.words(),
        strict=True,
    )
    for pk, is_settled, first_error, people in rows:
        if pk in known.set_aside:
            continue
        if is_settled:
            settled = Evidence(gold=_acceptable(pk, known), consensus=first_error)
            kinds = {Dispute.PEOPLE_GOLD} if contradicts_gold(settled) else set()
        else:
            kinds = set(disputes(_evidence(pk, people, first_error, known, misses), convincing))
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


def _acceptable(pk: int, known: OtherSources) -> frozenset[int]:
    return known.gold[pk].acceptable if pk in known.gold else frozenset()


def _gold_misses(outcomes: Outcomes, known: OtherSources) -> set[int]:
    """Solutions of which a counted rating contradicts gold for that step, where gold names no first error."""
    ratings = outcomes.ratings
    numbers = {
        number: known.gold[pk]
        for number, pk in enumerate(outcomes.solutions.tolist())
        if pk in known.gold and not known.gold[pk].acceptable
    }
    of_solution = ratings.solution_of_step()[ratings.steps]
    wanted = np.isin(of_solution, list(numbers))
    positions = ratings.steps - ratings.offsets[of_solution]
    said = zip(of_solution[wanted].tolist(), positions[wanted].tolist(), ratings.ratings[wanted].tolist(), strict=True)
    missed = {number for number, position, rating in said if numbers[number].accepts(position, rating) is False}
    return {int(outcomes.solutions[number]) for number in missed}


def _evidence(
    pk: int, people: dict[str, int], first_error: int, known: OtherSources, misses_gold: Collection[int]
) -> Evidence:
    is_correct, score, _ = known.answers.get(pk, (None, None, 0))
    return Evidence(
        people=people,
        unsure=known.unsure.get(pk, set()),
        monte_carlo=known.monte_carlo.get(pk, UNKNOWN),
        judges=known.judges.get(pk, {}),
        gold=_acceptable(pk, known),
        misses_gold=pk in misses_gold,
        consensus=first_error,
        is_correct=is_correct,
        score=score,
    )


def count_disputes(project: Project) -> None:
    DisputeCount.objects.filter(project=project).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [project.pk])
