"""Which solutions a run takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.projects.models import Project

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
    found = Solution.objects.filter(project=project)
    is_correct = ANSWERS[selection.get("answers", "any")]
    if is_correct is not None:
        found = found.filter(is_correct=is_correct)
    if selection.get("source"):
        found = found.filter(source=selection["source"])
    return found


def selected(run: EstimationRun) -> QuerySet[Solution]:
    return solutions_of(run.project, run.selection)
