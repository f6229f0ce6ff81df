"""The values that a project's solutions can be filtered by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.core.cache import cache
from django.db.models import QuerySet

from apps.corpus.models import ImportBatch, Problem, Solution
from apps.projects.models import Project

MAX_VALUES = 100
FACETS_KEPT_S = 600


@dataclass(frozen=True, slots=True)
class Facets:
    sources: list[str]
    subjects: list[str]
    levels: list[str]


def facets_of(project: Project) -> Facets:
    """Cached for some minutes, since distinct values read the whole project. A finished import refreshes them."""
    imports = ImportBatch.objects.filter(project=project, finished_at__isnull=False).order_by("-finished_at")
    latest = imports.values_list("finished_at", flat=True).first() or project.created_at
    key = f"facets:{project.slug}:{project.pk}:{latest.timestamp()}"
    return cast("Facets", cache.get_or_set(key, lambda: _read_facets(project), FACETS_KEPT_S))


def _read_facets(project: Project) -> Facets:
    problems = Problem.objects.filter(project=project)
    return Facets(
        sources=_distinct(Solution.objects.written().filter(project=project), "source"),
        subjects=_distinct(problems, "subject"),
        levels=_distinct(problems, "level"),
    )


def _distinct(rows: QuerySet[Any], field: str) -> list[str]:
    present = rows.exclude(**{field: None}).exclude(**{field: ""})
    return sorted(present.order_by().values_list(field, flat=True).distinct()[:MAX_VALUES])
