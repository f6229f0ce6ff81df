"""The solution browser: filters that the database answers without counting, and a strip of ratings for each row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left

from apps.corpus.models import ImportBatch, Problem, Solution
from apps.estimation.latest import counted_run_q
from apps.estimation.models import StepEstimate
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, GoldLabel
from apps.projects.models import Project
from apps.quality.sources import source_strips_of, strips_of

EXCERPT = 400  # Characters of a statement that a list shows.
FACET_LIMIT = 100
FACET_SECONDS = 600

Solutions = QuerySet[Solution]


def labeled_q() -> Q:
    counted, here = Assignment.objects.counted(), OuterRef("pk")
    return Exists(counted.filter(task__solution=here, grown__isnull=True)) | Exists(counted.filter(grown=here))


def gold_q() -> Exists:
    return Exists(GoldLabel.objects.filter(step__solution=OuterRef("pk")))


def browse(project: Project, wanted: dict[str, Any]) -> Solutions:
    """The project's solutions that fit; `wanted` are the cleaned fields of `BrowseForm`."""
    found = Solution.objects.written().filter(project=project)
    answers = {
        "right": found.right,
        "wrong": found.wrong,
        "ungraded": lambda: found.filter(is_correct=None),
        "differing": found.differing,
    }
    if wanted.get("answer") in answers:
        found = answers[wanted["answer"]]()
    if wanted.get("labels") in LABELS:
        found = LABELS[wanted["labels"]](found)
    if wanted.get("source"):
        found = found.filter(source=wanted["source"])
    return _of_problems(found, project, wanted)


LABELS = {
    "people": lambda found: found.filter(labeled_q()),
    "none": lambda found: found.filter(~labeled_q()),
    "gold": lambda found: found.filter(gold_q()),
    "monte_carlo": lambda found: found.filter(
        Exists(StepEstimate.objects.filter(counted_run_q("run__"), step__solution=OuterRef("pk")))
    ),
    "judges": lambda found: found.filter(Exists(StepVerdict.objects.filter(step__solution=OuterRef("pk")))),
}


def _of_problems(found: Solutions, project: Project, wanted: dict[str, Any]) -> Solutions:
    of_problem = {"subject": wanted.get("subject"), "level": wanted.get("level"), "pk": wanted.get("problem")}
    problems = {name: value for name, value in of_problem.items() if value not in (None, "")}
    if wanted.get("text"):
        problems["statement__icontains"] = wanted["text"]
    if not problems:
        return found
    return found.filter(problem__in=Problem.objects.filter(project=project, **problems).order_by())


def for_list(found: Solutions) -> Solutions:
    """With what a row of the list shows, and no more of the problem than that."""
    return found.annotate(excerpt=Left("problem__statement", EXCERPT)).defer("extras")


@dataclass(frozen=True, slots=True)
class Facets:
    """The values that can be filtered by."""

    sources: list[str]
    subjects: list[str]
    levels: list[str]


def facets_of(project: Project) -> Facets:
    """Kept for some minutes: finding distinct values reads the whole project. A new import asks again."""
    imports = ImportBatch.objects.filter(project=project, finished_at__isnull=False).order_by("-finished_at")
    latest = imports.values_list("finished_at", flat=True).first() or project.created_at
    key = f"facets:{project.slug}:{project.pk}:{latest.timestamp()}"
    return cast("Facets", cache.get_or_set(key, lambda: _facets(project), FACET_SECONDS))


def _facets(project: Project) -> Facets:
    problems = Problem.objects.filter(project=project)
    return Facets(
        sources=_distinct(Solution.objects.written().filter(project=project), "source"),
        subjects=_distinct(problems, "subject"),
        levels=_distinct(problems, "level"),
    )


def _distinct(rows: QuerySet[Any], field: str) -> list[str]:
    present = rows.exclude(**{field: None}).exclude(**{field: ""})
    return sorted(present.order_by().values_list(field, flat=True).distinct()[:FACET_LIMIT])


# --- strips -----------------------------------------------------------------------------------------------


def with_strips(solutions: Iterable[Solution]) -> list[Solution]:
    """Sets `strip` on each solution, and whether it `is_same_problem` as the one above."""
    shown = list(solutions)
    strips, problem_above = strips_of(shown), None
    for solution in shown:
        solution.strip = strips[solution.pk]  # type: ignore[attr-defined]
        solution.is_same_problem = solution.problem_id == problem_above  # type: ignore[attr-defined]
        problem_above = solution.problem_id
    return shown


def with_sources(solutions: Iterable[Solution]) -> list[Solution]:
    """Sets `sources` on each solution: a strip for every source that labels it."""
    shown = list(solutions)
    strips = source_strips_of(shown)
    for solution in shown:
        solution.sources = strips[solution.pk]  # type: ignore[attr-defined]
    return shown
