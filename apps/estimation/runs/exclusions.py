"""Solutions for which no rollout is sampled: the SQL counterpart of `SolutionState.exclusion_reason`."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q, QuerySet

from apps.corpus.models import Problem, Solution
from apps.verifiers.pool.pool import GradingPool

# The number of problems whose reference answers are checked; the others are assumed to be comparable.
CHECKED_PROBLEMS = 5000
_NOT_ESTIMABLE = Q(step_count=0) | Q(problem__reference_answer=None) | Q(problem__reference_answer="")


def estimable_solutions(solutions: QuerySet[Solution]) -> QuerySet[Solution]:
    """Solutions with steps whose problem has a reference answer that can be compared with others."""
    estimable = solutions.exclude(_NOT_ESTIMABLE)
    incomparable = _incomparable_problems(estimable)
    return estimable.exclude(problem__in=incomparable) if incomparable else estimable


def _incomparable_problems(solutions: QuerySet[Solution]) -> list[int]:
    """Problems whose reference answer does not even equal itself. One with a graded solution is comparable."""
    ungraded = solutions.filter(is_correct=None).order_by().values("problem")
    problems = Problem.objects.filter(pk__in=ungraded).order_by("pk")[:CHECKED_PROBLEMS]
    rows = problems.values_list("pk", "verifier", "project__verifier", "reference_answer")
    by_answer: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for pk, own, usual, answer in rows:
        by_answer[own or usual, answer or ""].append(pk)
    with GradingPool() as pool:
        # An answer that needs a child process to grade is assumed to be comparable.
        grades = {key: pool.grade_inline(*key, key[1]) for key in by_answer}
    incomparable = (key for key, grade in grades.items() if grade is not None and grade.is_correct is not True)
    return [pk for key in incomparable for pk in by_answer[key]]
