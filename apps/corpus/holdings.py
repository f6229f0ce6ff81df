"""How many problems, solutions and steps a project holds, whether a file brought them or a model wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.core.cache import cache
from django.db.models import Count, Sum

from apps.corpus.models import ImportBatch, Problem, Solution
from apps.projects.models import Project

COUNTS_KEPT_S = 600


@dataclass(frozen=True, slots=True)
class Holdings:
    """`steps` are those on the solutions' own paths; `labels`, `rejected` and `differences` are sums over imports."""

    problems: int
    solutions: int
    steps: int
    labels: int
    rejected: int
    differences: int

    @property
    def is_empty(self) -> bool:
        return not (self.problems or self.solutions)


def holdings_of(project: Project) -> Holdings:
    """Count the project's rows, since solutions that a model sampled belong to no import.

    The count reads the whole project, so it is cached until a newer problem or solution exists.
    """
    newest_ids = [
        rows.filter(project=project).order_by("-pk").values_list("pk", flat=True).first() or 0
        for rows in (Problem.objects.all(), Solution.objects.all())
    ]
    key = f"holdings:{project.pk}:{project.created_at.timestamp()}:{newest_ids[0]}:{newest_ids[1]}"
    counts = cast("dict[str, int]", cache.get_or_set(key, lambda: _count(project), COUNTS_KEPT_S))
    names = ("labels", "rejected", "differences")
    sums = ImportBatch.objects.filter(project=project).aggregate(**{name: Sum(name, default=0) for name in names})
    return Holdings(**counts, **sums)


def _count(project: Project) -> dict[str, int]:
    written = Solution.objects.written().filter(project=project)
    counts = written.aggregate(solutions=Count("pk"), steps=Sum("step_count", default=0))
    return {"problems": Problem.objects.filter(project=project).count(), **counts}
