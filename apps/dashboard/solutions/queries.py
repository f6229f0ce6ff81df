"""The solution browser: its filters, and the strip of ratings of each row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left

from apps.corpus.models import Problem, Solution
from apps.estimation.models import StepEstimate
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, GoldLabel
from apps.projects.models import Project
from apps.quality.sources import source_strips_of, strips_of
from apps.runs.status import counted_run_q

EXCERPT = 400  # Characters of a statement that a list shows.

Solutions = QuerySet[Solution]


def labeled_q() -> Q:
    return Assignment.objects.counted().exists_for(OuterRef("pk"))


def gold_q() -> Exists:
    return Exists(GoldLabel.objects.filter(step__solution=OuterRef("pk")))


LABELS = {
    "people": lambda solutions: solutions.filter(labeled_q()),
    "none": lambda solutions: solutions.filter(~labeled_q()),
    "gold": lambda solutions: solutions.filter(gold_q()),
    "monte_carlo": lambda solutions: solutions.filter(
        Exists(StepEstimate.objects.filter(counted_run_q("run__"), step__solution=OuterRef("pk")))
    ),
    "judges": lambda solutions: solutions.filter(Exists(StepVerdict.objects.filter(step__solution=OuterRef("pk")))),
}


def browse(project: Project, filters: dict[str, Any]) -> Solutions:
    """The project's solutions that match; `filters` are the cleaned fields of `BrowseForm`."""
    solutions = Solution.objects.written().filter(project=project)
    answers = {
        "right": solutions.right,
        "wrong": solutions.wrong,
        "ungraded": lambda: solutions.filter(is_correct=None),
        "differing": solutions.differing,
    }
    if filters.get("answer") in answers:
        solutions = answers[filters["answer"]]()
    if filters.get("labels") in LABELS:
        solutions = LABELS[filters["labels"]](solutions)
    if filters.get("source"):
        solutions = solutions.filter(source=filters["source"])
    of_problem = {"subject": filters.get("subject"), "level": filters.get("level"), "pk": filters.get("problem")}
    terms = {name: value for name, value in of_problem.items() if value not in (None, "")}
    if filters.get("text"):
        terms["statement__icontains"] = filters["text"]
    if not terms:
        return solutions
    return solutions.filter(problem__in=Problem.objects.filter(project=project, **terms).order_by())


def for_list(solutions: Solutions) -> Solutions:
    """The solutions with an `excerpt` of the problem's statement, as a row of the list shows it."""
    return solutions.annotate(excerpt=Left("problem__statement", EXCERPT)).defer("extras")


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
