"""Turns the solutions of a run into engine states for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from apps.corpus.paths import chosen_steps
from apps.runs.shards import OpenItems
from apps.scoring.engine import ScoringState
from apps.scoring.models import ScoringRun, SolutionScore


def open_items(run: ScoringRun) -> OpenItems:
    """The IDs and statements of solutions, those of one problem together: their prompts begin alike."""

    def solutions() -> QuerySet[Any, Any]:
        return run.items().order_by("problem_id", "id").values_list("id", "problem__statement")

    return OpenItems(solutions, SolutionScore.objects.filter(run=run), "solution_id")


def load(solutions: Sequence[tuple[int, str]]) -> list[ScoringState]:
    steps = chosen_steps(pk for pk, _ in solutions)
    return [
        ScoringState(pk, statement, [text for _, text in steps[pk]], [step_id for step_id, _ in steps[pk]])
        for pk, statement in solutions
    ]
