"""Solutions that a run takes and asks nothing about: what `Work.hindrance` says of each, said of all at once."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.corpus.models import Problem, Solution
from apps.verifiers.pool.pool import GradingPool

# References of so many problems are looked at; those beyond are taken to be comparable.
LOOKED_AT = 5000
_NOTHING_TO_ASK = Q(step_count=0) | Q(problem__reference_answer=None) | Q(problem__reference_answer="")


def without_hindrance(solutions: QuerySet[Solution]) -> QuerySet[Solution]:
    """Those with steps whose problem has a reference answer that can be compared with others."""
    asked = solutions.exclude(_NOTHING_TO_ASK)
    dumb = _incomparable(asked)
    return asked.exclude(problem__in=dumb) if dumb else asked


def _incomparable(solutions: QuerySet[Solution]) -> list[int]:
    """Problems whose reference answer is not even equal to itself. One that has graded a solution is comparable."""
    doubtful = solutions.filter(is_correct=None).order_by().values("problem")
    found = Problem.objects.filter(pk__in=doubtful).order_by("pk")[:LOOKED_AT]
    rows = found.values_list("pk", "verifier", "project__verifier", "reference_answer")
    with GradingPool() as pool:
        # What takes a child process to tell is taken to be comparable.
        grades = {pk: pool.grade_inline(own or usual, answer, answer) for pk, own, usual, answer in rows}
    return [pk for pk, grade in grades.items() if grade is not None and grade.is_correct is not True]
