"""The first errors that each rater names, of the solutions whose first error is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet

from apps.corpus.labels import BAD, GREAT, UNKNOWN
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.evaluation.sources.arrays import load_table, places_of
from apps.evaluation.sources.raters import Rater, RaterKind
from apps.evaluation.sources.truth import FirstErrorTruth
from apps.judging.models import JudgeRun, StepVerdict
from apps.projects.models import Project
from apps.quality.gold.marks import counted_marks
from apps.quality.models import Consensus, ConsensusMethod
from apps.quality.statistics.ratings import Bools, Ints, first_errors_of, ints
from apps.runs.status import counted_run_q

LABELED = Q(is_good__isnull=False)  # After `with_label`.


@dataclass(frozen=True, slots=True)
class NamedErrors:
    """A rater, the places of the solutions that they rated in the truth, and whether their first error is right."""

    rater: Rater
    places: Ints
    is_right: Bools


def people(project: Project, truth: FirstErrorTruth) -> Iterator[NamedErrors]:
    """All labelers together, then each: their first submissions on solutions with gold, screenings left out.

    People are measured by gold alone, even where the truth includes the consensus: it consists of their own labels.
    """
    marks = counted_marks(project).filter(exact__isnull=False)
    table = load_table(marks, "labeler_id", "assignment__task__solution_id", "exact")
    matched, places = places_of(table[:, 1], truth.solutions)
    if not len(matched):
        return
    labelers, is_right = ints(table[matched, 0]), table[matched, 2] == 1
    yield NamedErrors(Rater(RaterKind.PEOPLE, "all labelers"), places, is_right)
    for labeler in np.unique(labelers).tolist():
        own = labelers == labeler
        yield NamedErrors(Rater(RaterKind.PERSON, "", labeler), places[own], is_right[own])


def consensus(project: Project, truth: FirstErrorTruth) -> Iterator[NamedErrors]:
    """The settled consensus of people, without adjudications: these may be where the gold comes from."""
    settled = Consensus.objects.settled().filter(project=project, first_error__isnull=False)
    table = load_table(settled.exclude(how=ConsensusMethod.ADJUDICATED), "solution_id", "first_error")
    yield from _named(Rater(RaterKind.CONSENSUS, "consensus of people"), table, truth)


def rollouts(project: Project, truth: FirstErrorTruth) -> Iterator[NamedErrors]:
    """Each counted estimation run. An imported run has only the hard labels of steps."""
    for run in EstimationRun.objects.filter(counted_run_q(), project=project).order_by("number"):
        if run.origin:
            labeled = StepEstimate.objects.with_label().filter(LABELED, run=run, step__chosen=True)
            table = load_table(labeled, "step__solution_id", "step__position", "is_good")
            table[:, 2] = np.where(table[:, 2] == 1, GREAT, BAD)
            named = _from_steps(table, truth)
        else:
            estimates = SolutionEstimate.objects.filter(run=run, failure="")
            named = load_table(estimates, "solution_id", "first_error")
        yield from _named(Rater(RaterKind.ROLLOUTS, rollouts_name(run)), named, truth)


def rollouts_name(run: EstimationRun) -> str:
    return f"{run.strategy}, run {run.number}"


def judges(project: Project, truth: FirstErrorTruth) -> Iterator[NamedErrors]:
    for run in JudgeRun.objects.filter(counted_run_q(), project=project).select_related("judge").order_by("number"):
        table = load_table(path_verdicts(run), "step__solution_id", "step__position", "rating")
        yield from _named(Rater(RaterKind.JUDGE, str(run)), _from_steps(table, truth), truth)


def path_verdicts(run: JudgeRun) -> QuerySet[Any]:
    return StepVerdict.objects.filter(run=run, step__chosen=True)


def _from_steps(table: Any, truth: FirstErrorTruth) -> Any:
    """Solution ids and first errors, from rows of solution id, position and rating."""
    matched, places = places_of(table[:, 0], truth.solutions)
    labels = np.full(int(truth.lengths.sum()), UNKNOWN)
    labels[truth.offsets[places] + table[matched, 1].astype(np.int64)] = table[matched, 2].astype(np.int64)
    rated = np.unique(places)
    return np.column_stack((truth.solutions[rated], first_errors_of(labels, truth.offsets)[rated])).astype(np.float64)


def _named(rater: Rater, table: Any, truth: FirstErrorTruth) -> Iterator[NamedErrors]:
    """From rows of solution id and first error, NaN for unknown, which is wrong; none without a common solution."""
    matched, places = places_of(table[:, 0], truth.solutions)
    if len(matched):
        errors = ints(np.nan_to_num(table[matched, 1], nan=UNKNOWN))
        yield NamedErrors(rater, places, truth.accepts(places, errors))
