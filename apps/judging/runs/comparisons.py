"""The comparisons of a judge run: existing ones, or new pairs of solutions of one problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Q

from apps.core.db.copy import copy_rows
from apps.corpus.comparisons import Pair
from apps.corpus.models import Comparison
from apps.judging.models import JudgeRun, RunComparison
from apps.labeling.rounds.pairs import create_comparisons, drawn_pairs
from apps.projects.models import Project
from apps.runs.selection import solutions_of


def choose_comparisons(run: JudgeRun) -> list[int]:
    """Create what is missing and store what the run is to judge. Returns the ids of the comparisons, in ascending order."""
    project, selection = run.project, run.selection
    if selection["pairs"] == "existing":
        ids = existing_comparisons(project, selection)
    else:
        ids = create_comparisons(project.pk, drawn_comparisons(project, selection, run.seed))
    copy_rows(RunComparison, ["run", "comparison"], ((run.pk, pk) for pk in sorted(set(ids))))
    return sorted(set(ids))


def drawn_comparisons(project: Project, selection: Mapping[str, Any], seed: int) -> Sequence[Pair]:
    """New pairs of the selected solutions."""
    solutions = solutions_of(project, selection)
    return drawn_pairs(solutions, rule=selection["pairs"], each=selection["each"], seed=seed)


def existing_comparisons(project: Project, selection: Mapping[str, Any]) -> list[int]:
    """Comparisons of two sides that differ and are both selected."""
    selected = solutions_of(project, selection).order_by().values("id")
    comparisons = Comparison.objects.filter(project=project, left__in=selected, right__in=selected)
    same = Q(left_step=None, left=F("right"))
    return list(comparisons.exclude(same).order_by("id").values_list("id", flat=True))
