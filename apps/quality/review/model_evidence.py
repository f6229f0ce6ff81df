"""What models say of one solution: estimates, verdicts, critiques, and the first errors that their runs name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.corpus.labels import UNKNOWN, first_error, hard_label
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.judging.models import JudgeRun, StepVerdict
from apps.labeling.models import Critique
from apps.runs.status import run_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFirstError:
    """The first error that a model's run names: a position, NO_ERROR, or None if it is unknown.

    `counts`: the run has ended with a result for the solution.
    """

    first_error: int | None = None
    counts: bool = False
    precedes_answer_change: bool = False

    @property
    def step_number(self) -> int | None:
        """The number of the step, counted from 1; 0 for no error."""
        return None if self.first_error is None else self.first_error + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimationRunFirstError(ModelFirstError):
    """Of an estimation run: from its own estimate of the solution or, for an imported run, from its hard labels."""

    run: EstimationRun
    estimate: SolutionEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFirstError(ModelFirstError):
    """Of one run of a judge, from its verdicts."""

    run: JudgeRun


def step_estimates(steps: Sequence[Step]) -> dict[int, list[StepEstimate]]:
    by_step: dict[int, list[StepEstimate]] = {}
    for estimate in StepEstimate.objects.filter(step__in=steps).select_related("run").order_by("run_id"):
        by_step.setdefault(estimate.step_id, []).append(estimate)
    return by_step


def runs_naming(
    solution: Solution,
    steps: Sequence[Step],
    step_estimates: Mapping[int, Sequence[StepEstimate]],
    changed_at: datetime | None,
) -> list[EstimationRunFirstError]:
    estimates = {
        estimate.run_id: estimate
        for estimate in SolutionEstimate.objects.filter(solution=solution).select_related("run")
    }
    runs = {estimate.run_id: estimate.run for of_step in step_estimates.values() for estimate in of_step}
    runs |= {run_id: estimate.run for run_id, estimate in estimates.items()}
    first_errors = []
    for run_id, run in sorted(runs.items()):
        estimate = estimates.get(run_id)
        position, has_result = (None, False) if estimate is None else (estimate.first_error, not estimate.failure)
        if run.origin:
            labels = {
                step_id: hard_label(of_run.rollouts, of_run.successes, hard=of_run.hard)
                for step_id, of_step in step_estimates.items()
                for of_run in of_step
                if of_run.run_id == run_id
            }
            position, has_result = _first_error_by_steps(steps, labels)
        first_errors.append(
            EstimationRunFirstError(
                run=run,
                estimate=estimate,
                first_error=position,
                counts=has_result and run_counts(run),
                precedes_answer_change=precedes(run.started_at or run.created_at, changed_at),
            )
        )
    return first_errors


def precedes(began: datetime, changed_at: datetime | None) -> bool:
    """A run reads reference answers while it works: one that began before the change may have used the old answer."""
    return changed_at is not None and began < changed_at


def _first_error_by_steps(steps: Sequence[Step], labels: Mapping[int, int]) -> tuple[int | None, bool]:
    """The first error on the path by labels, which are by step id, and whether the path has any label."""
    path = [step for step in steps if step.chosen]
    by_position = {step.position: label for step in path if (label := labels.get(step.pk, UNKNOWN)) != UNKNOWN}
    position = first_error(by_position, len(path))
    return None if position == UNKNOWN else position, bool(by_position)


def step_verdicts(steps: Sequence[Step]) -> list[StepVerdict]:
    """Each judge's oldest run first."""
    return list(StepVerdict.objects.counted().filter(step__in=steps).select_related("run__judge").oldest_run_first())


def judges_naming(
    steps: Sequence[Step], verdicts: Sequence[StepVerdict], changed_at: datetime | None
) -> list[JudgeFirstError]:
    runs = {verdict.run_id: verdict.run for verdict in verdicts}
    ratings: dict[int, dict[int, int]] = {run_id: {} for run_id in runs}
    for verdict in verdicts:
        ratings[verdict.run_id][verdict.step_id] = verdict.rating
    first_errors = []
    for run_id, run in runs.items():
        position, has_result = _first_error_by_steps(steps, ratings[run_id])
        first_errors.append(
            JudgeFirstError(
                run=run,
                first_error=position,
                counts=has_result,
                precedes_answer_change=precedes(run.created_at, changed_at),
            )
        )
    return first_errors


def step_critiques(steps: Sequence[Step], *, of_models: bool) -> dict[int, list[Critique]]:
    critiques = Critique.objects.filter(step__in=steps).order_by("pk")
    by_step: defaultdict[int, list[Critique]] = defaultdict(list)
    for critique in critiques if of_models else critiques.filter(origin=Critique.Origin.HUMAN):
        by_step[critique.step_id].append(critique)
    return by_step
