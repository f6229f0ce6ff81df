"""What the reports share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from apps.evaluation.options import EvaluationOptions
from apps.evaluation.sources.raters import Rater
from apps.projects.models import Project

Report = dict[str, Any]
Progress = Callable[[int, int], None]  # Called with the parts that are done and their number.


class Compute(Protocol):
    """Computes a report. Raises DomainError if the options name something that the project does not have."""

    def __call__(self, project: Project, options: EvaluationOptions, progress: Progress) -> Report: ...


def rater_row(rater: Rater, *measures: Any, **more: Any) -> Report:
    """A rater with the fields of the measures, which are dataclasses."""
    row: Report = {"rater": rater.to_dict()}
    for measure in measures:
        row |= asdict(measure)
    return row | more
