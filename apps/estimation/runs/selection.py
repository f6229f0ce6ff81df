"""Which solutions a run takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.estimation.latest import counted_run_q, run_counts
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.projects.models import Project

# Surer than this of the first error is sure: what is below goes to people first.
SURE = 0.9
ANSWERS = {"any": None, "right": True, "wrong": False}


def checked_selection(given: Mapping[str, Any]) -> dict[str, Any]:
    """`answers`: any, right or wrong; `source`: who wrote them. Raises DomainError."""
    unknown = set(given) - {"answers", "source"}
    if unknown:
        raise DomainError(
            f"A selection has no {', '.join(sorted(unknown))}.", fields={"selection": "knows answers and source"}
        )
    answers = given.get("answers") or "any"
    if answers not in ANSWERS:
        raise DomainError(
            f"Unknown answers {answers!r}.", fields={"selection": f"answers: one of {', '.join(ANSWERS)}"}
        )
    source = given.get("source") or None
    if source is not None and not isinstance(source, str):
        raise DomainError("A source is a text.", fields={"selection": "source: a text"})
    return {"answers": answers} | ({"source": source} if source else {})


def solutions_of(project: Project, selection: Mapping[str, Any]) -> QuerySet[Solution]:
    found = Solution.objects.written().filter(project=project, problem__retired_at=None)
    is_correct = ANSWERS[selection.get("answers", "any")]
    if is_correct is not None:
        found = found.filter(is_correct=is_correct)
    if selection.get("source"):
        found = found.filter(source=selection["source"])
    return found


def selected(run: EstimationRun) -> QuerySet[Solution]:
    return solutions_of(run.project, run.selection)


def unsure_of(solutions: QuerySet[Solution], run: str) -> QuerySet[Solution]:
    """What the run of this number is unsure of: the best there is for people to look at.

    Raises DomainError that names the run where it does not count, for it is under way or has failed.
    """
    if not run.isdecimal() or len(run) > 9:
        raise DomainError(f"unsure:{run} names no run.", fields={"select": "unsure: the number of a run"})
    _check_ended(solutions, int(run))
    doubtful = SolutionEstimate.objects.filter(
        counted_run_q("run__"), run__number=int(run), failure="", probability__lt=SURE
    )
    return solutions.filter(estimates__in=doubtful, estimates__run__project=F("project"))


def _check_ended(solutions: QuerySet[Solution], number: int) -> None:
    """Solutions are of one project, as a rule; a run that nobody knows leaves none of them, as any term that fits none."""
    projects = solutions.order_by().values("project")
    for run in EstimationRun.objects.filter(number=number, project__in=projects):
        if not run_counts(run):
            state = run.get_status_display()
            raise DomainError(
                f"Run {number} says nothing, for it is {state}: only a run that has finished or was cancelled can be asked.",
                fields={"select": f"unsure: run {number} is {state}"},
            )
