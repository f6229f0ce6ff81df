"""Cuts a project's solutions and comparisons into ranges of problem ids: by the data alone, whoever works on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from apps.corpus.models import Comparison, Problem, Solution
from apps.projects.models import Project

FIRST_PROBLEMS = 50
MOST_ID = 2**63 - 1
LARGEST_PROBLEM = 4000  # A problem with more solutions is read in pieces.


@dataclass(frozen=True, slots=True)
class Span:
    """The problems from `first` to `last`, both inclusive, with the number of their solutions and comparisons.

    A piece of one large problem has the solutions after the id `after` up to `until`. Comparisons are in the piece
    without `until`, and in every whole span.
    """

    first: int
    last: int
    size: int
    after: int = 0
    until: int | None = None


def solutions_in(project: Project, span: Span | None = None) -> QuerySet[Solution]:
    """The solutions that exports have: written, of problems that are not retired."""
    solutions = Solution.objects.written().filter(project=project, problem__retired_at=None)
    if span is None:
        return solutions
    solutions = solutions.filter(problem_id__gte=span.first, problem_id__lte=span.last)
    if span.after:
        solutions = solutions.filter(id__gt=span.after)
    return solutions if span.until is None else solutions.filter(id__lte=span.until)


def comparisons_in(project: Project, span: Span | None = None) -> QuerySet[Comparison]:
    comparisons = Comparison.objects.filter(project=project, problem__retired_at=None)
    if span is None:
        return comparisons
    if span.until is not None:
        return comparisons.none()
    return comparisons.filter(problem_id__gte=span.first, problem_id__lte=span.last)


def count_answers(project: Project, span: Span | None = None) -> tuple[int, int]:
    """The number of solutions with a right answer, and of those with a wrong one; without those that have no steps."""
    counts = (
        solutions_in(project, span)
        .filter(step_count__gt=0)
        .aggregate(right=Count("id", filter=Q(is_correct=True)), wrong=Count("id", filter=Q(is_correct=False)))
    )
    return counts["right"], counts["wrong"]


def has_dialogues(project: Project, span: Span | None = None) -> bool:
    problems = Problem.objects.filter(project=project, extras__has_key="messages")
    if span is not None:
        problems = problems.filter(id__gte=span.first, id__lte=span.last)
    return problems.exists()


def regions(project: Project) -> list[Span]:
    """The first problems of a project and all others, without a look at the others. Their sizes are not known."""
    problems = Problem.objects.filter(project=project).order_by("id").values_list("id", flat=True)
    border = problems[FIRST_PROBLEMS - 1 : FIRST_PROBLEMS].first()
    if border is None:
        return [Span(0, MOST_ID, 0)]
    return [Span(0, border, 0), Span(border + 1, MOST_ID, 0)]


def cut_spans(project: Project, *, of: Sequence[str], size: int, within: Span | None = None) -> list[Span]:
    """Consecutive spans of about `size` solutions and comparisons each, cut between problems."""
    querysets = {"solution": solutions_in(project, within), "comparison": comparisons_in(project, within)}
    selects: list[str] = []
    parameters: list[Any] = []
    for kind in of:
        statement, values = querysets[kind].order_by().values("problem_id").query.sql_with_params()
        selects.append(statement)
        parameters += values
    # The selects are compiled from querysets of this module; every value is a parameter.
    statement = f"""
        WITH sizes AS (SELECT problem_id, count(*) AS size FROM ({" UNION ALL ".join(selects)}) AS records GROUP BY 1),
             running AS (SELECT problem_id, size, sum(size) OVER (ORDER BY problem_id) - size AS before FROM sizes)
        SELECT min(problem_id), max(problem_id), sum(size) FROM running GROUP BY div(before, %s) ORDER BY 1"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, size])
        return [Span(first, last, int(count)) for first, last, count in cursor.fetchall()]


def cut_pieces(project: Project, span: Span, *, size: int) -> Iterator[Span]:
    """The span itself, or, where it ends in a problem with very many solutions, pieces of about `size` solutions."""
    if span.size <= max(LARGEST_PROBLEM, size):
        yield span
        return
    *smaller, largest = cut_spans(project, of=("solution", "comparison"), size=1, within=span)
    if smaller:
        yield Span(span.first, smaller[-1].last, sum(problem.size for problem in smaller))
    if largest.size <= max(LARGEST_PROBLEM, size):
        yield largest
        return
    ids = list(solutions_in(project, largest).order_by("id").values_list("id", flat=True))
    borders = [0, *ids[size - 1 : -1 : size]]
    for after, until in zip(borders, [*borders[1:], None], strict=True):
        yield replace(largest, after=after, until=until, size=min(size, len(ids)))
