"""A project labeled by simulated labelers, with the rows that the queue would leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.labeling.models import Assignment, Round, StepLabel, Task
from apps.projects.models import Project, Role
from apps.projects.services import add_member
from tests.cast import make_problem, make_solution, make_user
from tests.quality.simulation import SPAMMER, World, labeler, simulate


def add_labelers(project: Project, count: int) -> list[User]:
    people = [make_user(f"labeler{number}") for number in range(count)]
    for one in people:
        add_member(project=project, user=one, role=Role.LABELER)
    return people


def label_at_random(
    project: Project, *, solutions: int = 40, errors: Sequence[float] = (0.05, 0.1, 0.2), seed: int = 3
) -> World:
    """Every labeler rates every solution in one round, over the last weeks."""
    world = simulate([*map(labeler, errors), SPAMMER], solutions=solutions, seed=seed)
    people = add_labelers(project, len(errors) + 1)
    round_ = Round.objects.create(
        project=project, number=1, protocol="first_error", status="open", redundancy=len(people), task_count=solutions
    )
    lengths = np.diff(world.ratings.offsets).tolist()
    rows: list[Solution] = []
    for number, length in enumerate(lengths):
        problem = make_problem(project, f"Problem {number}", subject=("Algebra", "Number theory")[number % 2])
        rows.append(make_solution(problem, [f"Step {place}." for place in range(length)]))
    tasks = [Task.objects.create(round=round_, solution=one, open_slots=0) for one in rows]
    steps = [
        pk for one in rows for pk in Step.objects.filter(solution=one).order_by("position").values_list("pk", flat=True)
    ]
    assignments: dict[tuple[int, int], Assignment] = {}
    now = timezone.now()
    for number, task in enumerate(tasks):
        for index, person in enumerate(people):
            assignments[number, index] = Assignment(
                task=task,
                round=round_,
                labeler=person,
                state="submitted",
                finish_reason="solution",
                active_ms=20_000 + 900 * index,
                submitted_at=now - timedelta(days=(solutions - number) * 60 / solutions, minutes=index),
            )
    Assignment.objects.bulk_create(assignments.values())
    ratings = world.ratings
    of_solution = ratings.solution_of_step()[ratings.steps].tolist()
    StepLabel.objects.bulk_create(
        StepLabel(assignment=assignments[solution, who], step_id=steps[step], rating=rating, chosen=rating != -1)
        for solution, who, step, rating in zip(
            of_solution,
            ratings.labelers.tolist(),
            ratings.steps.tolist(),
            ratings.ratings.tolist(),
            strict=True,
        )
    )
    return world
