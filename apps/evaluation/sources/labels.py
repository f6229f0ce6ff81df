"""How many labels of people existed at a time, and the closed rounds that brought them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import FloatField, Min, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Extract

from apps.evaluation.sources.arrays import load_table
from apps.labeling.models import Round, StepLabel
from apps.labeling.models.counted import LONG_AGO, counted_q, rated_q
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Project
from apps.quality.statistics.ratings import Floats


@dataclass(frozen=True, slots=True)
class LabelTimes:
    """When people's counted labels came, in ascending order, as seconds since 1970: of steps, and of new solutions."""

    steps: Floats
    solutions: Floats

    def labels_before(self, at: datetime) -> int:
        return int(np.searchsorted(self.steps, at.timestamp()))

    def solutions_before(self, at: datetime) -> int:
        return int(np.searchsorted(self.solutions, at.timestamp()))


def label_times(project: Project) -> LabelTimes:
    """A labeler's rating of a step counts once, from the first time; labels that do not count today never count."""
    labels = StepLabel.objects.filter(rated_q(), counted_q("assignment__"), assignment__round__project=project)
    return LabelTimes(
        steps=_first_times(labels, "step_id", "assignment__labeler_id"),
        solutions=_first_times(labels, "step__solution_id"),
    )


def _first_times(labels: QuerySet[StepLabel], *by: str) -> Floats:
    # Labels of a file without times were there before everything else.
    at = Min(Coalesce("assignment__submitted_at", Value(LONG_AGO)))
    firsts: Any = labels.order_by().values(*by).annotate(first_at=at)
    seconds = firsts.annotate(seconds=Cast(Extract("first_at", "epoch"), FloatField()))
    return np.sort(load_table(seconds, "seconds")[:, 0])


def closed_rounds(project: Project) -> list[Round]:
    """The closed rounds of real work that have a time, in the order in which they closed."""
    rounds = Round.objects.filter(project=project, status=Round.Status.CLOSED, kind=Round.Kind.WORK)
    return list(rounds.filter(closed_at__isnull=False).order_by("closed_at", "number"))


def choice_of(round_: Round) -> str:
    """How the round chose its solutions: by a rule, at random, or all that were selected; empty if a file had it."""
    if round_.origin:
        return ""
    selection = Selection.parse(round_.selection.get("select", ""))
    return selection.by or ("random" if selection.sample else "all")
