"""The selection of a run's solutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.projects.models import Project

ANSWERS = {"any": None, "right": True, "wrong": False}
BLIND = "blind"


def checked_selection(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Keys: `answers` (any, right or wrong), `source` (who wrote the solutions) and `blind` (the number of a blind sample).

    Raises DomainError, field `selection`.
    """
    unknown = set(selection) - {"answers", "source", BLIND}
    if unknown:
        raise DomainError(
            f"Unknown selection keys: {', '.join(sorted(unknown))}.",
            fields={"selection": "must have no keys but answers, source and blind"},
        )
    answers = selection.get("answers") or "any"
    if not isinstance(answers, str) or answers not in ANSWERS:
        raise DomainError(
            f"Unknown answers {answers!r}.", fields={"selection": f"answers: must be one of {', '.join(ANSWERS)}"}
        )
    source = selection.get("source") or None
    if source is not None and not isinstance(source, str):
        raise DomainError("`source` must be a text.", fields={"selection": "source: must be a text"})
    blind = selection.get(BLIND) or None
    if blind is not None and (not isinstance(blind, int) or isinstance(blind, bool) or blind < 1):
        raise DomainError(
            "`blind` must be the number of a blind sample.", fields={"selection": "blind: must be a number from 1"}
        )
    return {"answers": answers} | ({"source": source} if source else {}) | ({BLIND: blind} if blind else {})


def solutions_of(project: Project, selection: Mapping[str, Any]) -> QuerySet[Solution]:
    solutions = Solution.objects.written().filter(project=project, problem__retired_at=None)
    is_correct = ANSWERS[selection.get("answers", "any")]
    if is_correct is not None:
        solutions = solutions.filter(is_correct=is_correct)
    if selection.get("source"):
        solutions = solutions.filter(source=selection["source"])
    if selection.get(BLIND):
        # The samples are known to an app above this one.
        solutions = import_string(settings.SELECTION_TERMS[BLIND])(solutions, str(selection[BLIND]))
    return solutions
