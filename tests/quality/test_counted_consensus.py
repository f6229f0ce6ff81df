"""Answers that measure a labeler never settle a step."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Round, StepLabel, Task
from apps.projects.models import Project
from apps.quality.models import Consensus, StepConsensus
from apps.quality.settling import settle_project
from apps.quality.stale import note_all
from tests.cast import make_problem, make_solution


def answer(task: Task, labeler: User, *ratings: int, **fields: object) -> Assignment:
    """A submission as the queue leaves it behind."""
    assignment = Assignment.objects.create(
        task=task, round=task.round, labeler=labeler, state="submitted", submitted_at=timezone.now(), **fields
    )  # type: ignore[misc]
    steps = Solution.objects.get(pk=task.solution_id).steps.order_by("position")
    for step, rating in zip(steps, ratings, strict=False):
        StepLabel.objects.create(assignment=assignment, step=step, rating=rating)
    return assignment


@pytest.mark.parametrize("kind", ["screening", "gold", "retired"])
def test_what_only_measures_a_labeler_settles_nothing(project: Project, bob: User, kind: str) -> None:
    problem = make_problem(project, retired_at=timezone.now() if kind == "retired" else None)
    solution = make_solution(problem)
    round_ = Round.objects.create(
        project=project, number=1, protocol="first_error", status="open", is_screening=kind == "screening"
    )
    task = Task.objects.create(round=round_, solution=solution, open_slots=0, is_gold=kind == "gold")
    answer(task, bob, 1, -1, is_quality_control=kind == "gold")
    note_all(project)
    settle_project(project)
    assert not Consensus.objects.exists()
    assert not StepConsensus.objects.exists()
