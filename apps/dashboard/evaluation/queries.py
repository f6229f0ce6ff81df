"""The evaluations that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.core.jobs.model import JobStatus
from apps.dashboard.access import Place
from apps.dashboard.evaluation.plots import Plots, plots_of
from apps.dashboard.evaluation.tables import TABLES
from apps.dashboard.quality.tables import Table
from apps.dashboard.solutions.evidence import labeler_names
from apps.evaluation.kinds import KINDS
from apps.evaluation.models import Evaluation, EvaluationKind
from apps.evaluation.reports.names import users_in, with_names

MOST_RUNNING = 10


@dataclass(frozen=True, slots=True)
class ShownEvaluation:
    """A finished evaluation with its tables and plots."""

    evaluation: Evaluation
    report: dict[str, Any]
    tables: dict[str, Table]
    plots: Plots

    @property
    def template(self) -> str:
        return f"evaluation/_{self.evaluation.kind}.html"


@dataclass(frozen=True, slots=True)
class KindSection:
    """A kind of evaluation on the overview: its newest result, if there is one."""

    kind: EvaluationKind
    about: str
    shown: ShownEvaluation | None


def shown(place: Place, evaluation: Evaluation) -> ShownEvaluation:
    """With names of people for managers, and pseudonyms for reviewers. One query."""
    result = evaluation.result or {}
    users = users_in(result)
    report = with_names(result, labeler_names(place, users) if users else {})
    tables = {name.replace("-", "_"): make(report) for name, make in TABLES[evaluation.kind].items()}
    return ShownEvaluation(evaluation, report, tables, plots_of(evaluation.kind, report))


def sections(place: Place) -> list[KindSection]:
    """The newest finished evaluation of each kind."""
    finished = Evaluation.objects.filter(project=place.project, status=JobStatus.FINISHED)
    newest = {one.kind: one for one in finished.order_by("kind", "-id").distinct("kind")}
    return [
        KindSection(kind, KINDS[kind].about, shown(place, newest[kind]) if kind in newest else None)
        for kind in EvaluationKind
    ]


def running(place: Place) -> list[Evaluation]:
    waiting = Evaluation.objects.filter(project=place.project, status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
    return list(waiting.defer("result").order_by("-id")[:MOST_RUNNING])
