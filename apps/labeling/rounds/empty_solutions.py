"""Empty solutions: the tasks of branching rounds that start from problems.

A task needs a solution, so a problem gets one without steps, which all rounds share. No export contains it; what
labelers make of it are derived solutions.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.core.db.copy import copy_rows
from apps.core.errors import DomainError
from apps.corpus.identity import EMPTY_SOLUTION
from apps.corpus.models import Problem, Solution, SolutionGrade
from apps.labeling.models import Round, Task
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Project

_FIELDS = ["project", "problem", "digest", "source", "grade", "graded_by", "step_count", "separator"]
_OF_PROBLEMS = {"all": None, "subject": "subject", "level": "level"}


def empty_solutions(project: Project, problems: Sequence[int]) -> dict[int, int]:
    """The id of each problem's empty solution, by the problem's id. Missing ones are created."""
    missing = Problem.objects.filter(id__in=problems).exclude(
        Exists(Solution.objects.filter(problem=OuterRef("pk"), digest=EMPTY_SOLUTION))
    )
    now = timezone.now()
    rows = [
        (project.pk, pk, EMPTY_SOLUTION, "blank", SolutionGrade.UNGRADED.value, "", 0, "\n", now)
        for pk in missing.values_list("id", flat=True)
    ]
    copy_rows(Solution, [*_FIELDS, "created_at"], rows)
    return dict(Solution.objects.filter(problem_id__in=problems, digest=EMPTY_SOLUTION).values_list("problem_id", "id"))


def selected_problems(round_: Round, selection: Selection) -> QuerySet[Problem]:
    """In the order in which they are served. Raises DomainError for a term that is about solutions.

    A round that has opened has a task for some problems already, which are left out.
    """
    problems = Problem.objects.filter(project=round_.project, retired_at=None)
    if round_.task_count:
        problems = problems.exclude(pk__in=Task.objects.filter(round=round_).values("solution__problem"))
    if selection.first:
        raise DomainError(
            "first: is about solutions. A round that starts from problems serves the oldest first.",
            fields={"select": "not available for problems: first"},
        )
    if selection.by:
        raise DomainError(
            "by: chooses solutions. A round that starts from problems draws its problems at random.",
            fields={"select": "not available for problems: by"},
        )
    for name, value in selection.terms:
        if name not in _OF_PROBLEMS:
            raise DomainError(
                f"{name} is about solutions. A round that starts from problems takes all, subject:NAME, level:NAME and "
                "sample:N.",
                fields={"select": f"not available for problems: {name}"},
            )
        field = _OF_PROBLEMS[name]
        problems = problems.filter(**{field: value}) if field else problems
    return problems.order_by("id") if selection.sample is None else problems.order_by("digest")[: selection.sample]
