"""Storing which solutions are in dispute, and of what kind, for reviewers' queues."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from django.db import connection

from apps.corpus.labels import UNKNOWN
from apps.projects.models import Project
from apps.quality.aggregation.merge import Outcomes
from apps.quality.disputes.kinds import Dispute, DisputeEvidence, contradicts_gold, disputes_in
from apps.quality.disputes.other_sources import OtherSources
from apps.quality.models import DisputeCount, OpenDispute

_COUNT = """
INSERT INTO quality_disputecount (project_id, kind, count)
SELECT project_id, kind, count(*) FROM quality_opendispute WHERE project_id = %s GROUP BY project_id, kind
"""


def store_disputes(project: Project, outcomes: Outcomes, sources: OtherSources, *, convincing: float) -> None:
    """Replace the stored disputes of these solutions.

    An adjudicated solution is in no dispute, unless gold contradicts it: then two reviewers disagree. Older versions of
    solutions and retired problems are in no dispute.
    """
    current: set[tuple[int, str]] = set()
    misses_gold = _missing_gold(outcomes, sources)
    for pk, is_adjudicated, first_error, people in zip(
        outcomes.solutions.tolist(),
        outcomes.adjudicated.tolist(),
        outcomes.result.first_errors.tolist(),
        outcomes.first_errors_by_labeler(),
        strict=True,
    ):
        if pk in sources.set_aside:
            continue
        if is_adjudicated:
            evidence = DisputeEvidence(gold=_acceptable(pk, sources), consensus=first_error)
            kinds = {Dispute.PEOPLE_GOLD} if contradicts_gold(evidence) else set()
        else:
            kinds = set(disputes_in(_evidence(pk, people, first_error, sources, misses_gold), convincing))
        current |= {(pk, kind.value) for kind in kinds}
    stored = {
        (solution_id, kind): pk
        for pk, solution_id, kind in OpenDispute.objects.filter(solution__in=outcomes.solutions.tolist()).values_list(
            "pk", "solution_id", "kind"
        )
    }
    OpenDispute.objects.filter(pk__in=[pk for key, pk in stored.items() if key not in current]).delete()
    OpenDispute.objects.bulk_create(
        (OpenDispute(solution_id=pk, project=project, kind=kind) for pk, kind in sorted(current - stored.keys())),
        ignore_conflicts=True,
        batch_size=5000,
    )
    if current ^ stored.keys():
        count_disputes(project)


def count_disputes(project: Project) -> None:
    """Count the project's disputes of each kind again."""
    DisputeCount.objects.filter(project=project).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [project.pk])


def _acceptable(solution_id: int, sources: OtherSources) -> frozenset[int]:
    return sources.gold[solution_id].acceptable if solution_id in sources.gold else frozenset()


def _missing_gold(outcomes: Outcomes, sources: OtherSources) -> set[int]:
    """Solutions whose gold names no first error, with a counted rating that contradicts gold's rating of that step."""
    ratings = outcomes.ratings
    gold_by_number = {
        number: sources.gold[pk]
        for number, pk in enumerate(outcomes.solutions.tolist())
        if pk in sources.gold and not sources.gold[pk].acceptable
    }
    of_solution = ratings.solution_of_step()[ratings.steps]
    mask = np.isin(of_solution, list(gold_by_number))
    positions = ratings.steps - ratings.offsets[of_solution]
    rows = zip(of_solution[mask].tolist(), positions[mask].tolist(), ratings.ratings[mask].tolist(), strict=True)
    missing = {number for number, position, rating in rows if gold_by_number[number].accepts(position, rating) is False}
    return {int(outcomes.solutions[number]) for number in missing}


def _evidence(
    solution_id: int, people: dict[str, int], consensus: int, sources: OtherSources, misses_gold: Collection[int]
) -> DisputeEvidence:
    is_correct, score, _ = sources.answers.get(solution_id, (None, None, 0))
    return DisputeEvidence(
        people=people,
        unsure=sources.unsure.get(solution_id, set()),
        monte_carlo=sources.monte_carlo.get(solution_id, UNKNOWN),
        judges=sources.judges.get(solution_id, {}),
        gold=_acceptable(solution_id, sources),
        misses_gold=solution_id in misses_gold,
        consensus=consensus,
        is_correct=is_correct,
        score=score,
    )
