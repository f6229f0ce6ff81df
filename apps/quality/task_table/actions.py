"""Actions on chosen tasks that are more than the queue's: returning what was submitted, and retiring the problems.

Each task is a transaction of its own: what cannot be done is told with its reason, and the rest is done.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.models import Task
from apps.labeling.problems import retire_problem
from apps.labeling.queue.reservations import Changed, check_count
from apps.projects.models import Project
from apps.quality.review.assignments import return_to_labeler
from apps.quality.task_table.rows import submissions_to_return


def return_tasks(
    *, project: Project, tasks: Sequence[int], actor: User, note: str, labeler: int | None = None
) -> Changed:
    """Return the submissions of these tasks, all or those of one labeler, to who made them. They get the note."""
    check_count(tasks)
    if not note.strip():
        raise DomainError("Write a note on what the labeler should check.", fields={"note": "must not be empty"})
    own = Task.objects.filter(pk__in=tasks, round__project=project)
    returned: list[int] = []
    refused = dict.fromkeys(tasks, "Nobody has submitted it.")
    for assignment in submissions_to_return(own, labeler):
        try:
            return_to_labeler(assignment=assignment, reviewer=actor, note=note)
        except DomainError as error:
            refused[assignment.task_id] = error.message
        else:
            returned.append(assignment.task_id)
    done = sorted(set(returned))
    return Changed(done, {pk: reason for pk, reason in refused.items() if pk not in done})


def retire_tasks(*, project: Project, tasks: Sequence[int], actor: User, reason: str) -> Changed:
    """Retire the problems of these tasks: they leave labeling, exports and estimation, in every round."""
    check_count(tasks)
    if not reason.strip():
        raise DomainError("Give a reason for retiring the problems.", fields={"note": "must not be empty"})
    own = Task.objects.filter(pk__in=tasks, round__project=project).select_related(
        "solution__problem", "comparison__problem"
    )
    problems = {task.problem.pk: task.problem for task in own.order_by("pk")}
    for pk in sorted(problems):
        retire_problem(problem=problems[pk], reason=reason, actor=actor)
    done = [task.pk for task in own.order_by("pk")]
    return Changed(done, {pk: "No such task in this project." for pk in tasks if pk not in set(done)})
