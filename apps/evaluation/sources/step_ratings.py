"""Whether each rater calls steps good, of the steps whose rating is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.corpus.labels import BAD
from apps.estimation.models import EstimationRun, StepEstimate
from apps.evaluation.sources.arrays import load_table, places_of
from apps.evaluation.sources.first_errors import LABELED, path_verdicts, rollouts_name
from apps.evaluation.sources.raters import Rater, RaterKind
from apps.evaluation.sources.truth import StepTruth
from apps.judging.models import JudgeRun
from apps.labeling.models import NotCounted, StepLabel
from apps.labeling.models.counted import NOT_WORK, rated_q, reasons_q
from apps.projects.models import Project
from apps.quality.models import ConsensusMethod, StepConsensus
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints
from apps.runs.status import counted_run_q


@dataclass(frozen=True, slots=True)
class CalledSteps:
    """A rater, the places of the steps that they rated in the truth, and whether they call each good."""

    rater: Rater
    places: Ints
    called_good: Bools


@dataclass(frozen=True, slots=True)
class SoftSteps:
    """A rater, the places of the steps that it scored in the truth, and the scores, from 0 to 1."""

    rater: Rater
    places: Ints
    scores: Floats


def people(project: Project, truth: StepTruth) -> Iterator[CalledSteps]:
    """All labelers together, then each: their ratings of steps with gold, screenings and training left out."""
    reasons = reasons_q("assignment__")
    labels = StepLabel.objects.filter(rated_q(), assignment__round__project=project, step__chosen=True)
    for reason in (NotCounted.NOT_SUBMITTED, *NOT_WORK, NotCounted.RETIRED):
        labels = labels.filter(~reasons[reason])
    table = load_table(labels.filter(step__gold__isnull=False), "assignment__labeler_id", "step_id", "rating")
    matched, places = places_of(table[:, 1], truth.steps)
    if not len(matched):
        return
    # A step that its labeler wrote has no rating, and is great.
    labelers, called_good = ints(table[matched, 0]), table[matched, 2] != BAD
    yield CalledSteps(Rater(RaterKind.PEOPLE, "all labelers"), places, called_good)
    for labeler in np.unique(labelers).tolist():
        own = labelers == labeler
        yield CalledSteps(Rater(RaterKind.PERSON, "", labeler), places[own], called_good[own])


def consensus(project: Project, truth: StepTruth) -> Iterator[CalledSteps]:
    """The consensus of people, thin ones and adjudications left out, of steps with gold."""
    labels = StepConsensus.objects.filter(step__solution__project=project, is_thin=False, step__gold__isnull=False)
    table = load_table(labels.exclude(how=ConsensusMethod.ADJUDICATED), "step_id", "rating")
    yield from _called(Rater(RaterKind.CONSENSUS, "consensus of people"), table, table[:, 1] != BAD, truth)


def rollouts(project: Project, truth: StepTruth) -> Iterator[CalledSteps]:
    for run in EstimationRun.objects.filter(counted_run_q(), project=project).order_by("number"):
        labeled = StepEstimate.objects.with_label().filter(LABELED, run=run)
        table = load_table(labeled, "step_id", "is_good")
        yield from _called(Rater(RaterKind.ROLLOUTS, rollouts_name(run)), table, table[:, 1] == 1, truth)


def judges(project: Project, truth: StepTruth) -> Iterator[CalledSteps]:
    for run in JudgeRun.objects.filter(counted_run_q(), project=project).select_related("judge").order_by("number"):
        table = load_table(path_verdicts(run), "step_id", "rating")
        yield from _called(Rater(RaterKind.JUDGE, str(run)), table, table[:, 1] != BAD, truth)


def soft_estimates(project: Project, truth: StepTruth) -> Iterator[SoftSteps]:
    """The share of rollouts that reach the answer, of each counted run with counts."""
    for run in EstimationRun.objects.filter(counted_run_q(), project=project).order_by("number"):
        counted = StepEstimate.objects.filter(run=run, rollouts__gt=0, successes__isnull=False)
        table = load_table(counted, "step_id", "successes", "rollouts")
        matched, places = places_of(table[:, 0], truth.steps)
        if len(matched):
            yield SoftSteps(
                Rater(RaterKind.ROLLOUTS, rollouts_name(run)), places, table[matched, 1] / table[matched, 2]
            )


def _called(rater: Rater, table: Any, called_good: Bools, truth: StepTruth) -> Iterator[CalledSteps]:
    matched, places = places_of(table[:, 0], truth.steps)
    if len(matched):
        yield CalledSteps(rater, places, called_good[matched])
