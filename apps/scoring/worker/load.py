"""Loads the solutions of a shard for scoring."""

from __future__ import annotations

from collections import defaultdict

from apps.corpus.models import Step
from apps.runs.models import RunShard
from apps.scoring.engine import ScoringState
from apps.scoring.models import ScoringRun, SolutionScore


def load(run: ScoringRun, shard: RunShard) -> list[ScoringState]:
    """The shard's solutions without a result, those of one problem together: their prompts begin alike."""
    done = SolutionScore.objects.filter(run=run, solution_id__gt=shard.after, solution_id__lte=shard.upto)
    solutions = list(
        run.items()
        .filter(id__gt=shard.after, id__lte=shard.upto)
        .exclude(id__in=done.values("solution_id"))
        .order_by("problem_id", "id")
        .values_list("id", "problem__statement")
    )
    steps: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = Step.objects.filter(solution_id__in=[pk for pk, _ in solutions], chosen=True)
    for solution_id, pk, text in rows.order_by("solution_id", "position").values_list("solution_id", "id", "text"):
        steps[solution_id].append((pk, text))
    return [
        ScoringState(pk, statement, [text for _, text in steps[pk]], [step_id for step_id, _ in steps[pk]])
        for pk, statement in solutions
    ]
