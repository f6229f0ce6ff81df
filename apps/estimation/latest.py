"""What Monte Carlo says of solutions: the newest run that counts, the same for every page, queue, API and export.

A run counts once it has ended, finished or cancelled: while it is under way its counts may still turn. Of a solution it
speaks where it has a result for it: a run of our own by a `SolutionEstimate` without a failure, a run that came with a
file by a hard label on the solution's path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.core.jobs import JobStatus
from apps.corpus.labels import UNKNOWN, first_error, hard_label
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate

COUNTED_STATUSES = (JobStatus.FINISHED, JobStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunFirstError:
    """Of one solution: the run that speaks, and the position it names, NO_ERROR or UNKNOWN."""

    run_id: int
    first_error: int


def counted_run_q(prefix: str = "") -> Q:
    """Runs that count; `prefix` leads from a row to its run."""
    return Q(**{f"{prefix}status__in": COUNTED_STATUSES})


def run_counts(run: EstimationRun) -> bool:
    return run.status in COUNTED_STATUSES


def newest_first_errors(lengths: Mapping[int, int]) -> dict[int, RunFirstError]:
    """By solution, of those in `lengths` (their numbers of steps): what the newest run says. Two queries."""
    newest: dict[int, RunFirstError] = {}
    for solution_id, said in (*_of_own_runs(lengths), *_of_imported_runs(lengths)):
        if solution_id not in newest or said.run_id > newest[solution_id].run_id:
            newest[solution_id] = said
    return newest


def newest_step_labels(lengths: Mapping[int, int]) -> dict[int, int]:
    """By step on the path of these solutions: the newest run's hard label. Steps without one are left out."""
    runs = {pk: said.run_id for pk, said in newest_first_errors(lengths).items()}
    labels: dict[int, int] = {}
    for solution_id, run_id, step_id, rollouts, successes, hard in _estimates(runs, set(runs.values())):
        label = hard_label(rollouts, successes, hard=hard)
        if runs[solution_id] == run_id and label != UNKNOWN:
            labels[step_id] = label
    return labels


def newest_estimates(solution_id: int) -> dict[str, Any] | None:
    """The newest run's number and its estimates by position, for a labeler who verifies; None when no run speaks.

    `hard` is the hard label, also where the run stored counts alone.
    """
    length = Solution.objects.values_list("step_count", flat=True).get(pk=solution_id)
    said = newest_first_errors({solution_id: length}).get(solution_id)
    if said is None:
        return None
    rows = StepEstimate.objects.with_label().filter(run=said.run_id, step__solution=solution_id, step__chosen=True)
    columns = ("step__position", "is_good", "rollouts", "successes")
    return {
        "run": EstimationRun.objects.values_list("number", flat=True).get(pk=said.run_id),
        "steps": [
            {"position": position, "hard": is_good, "rollouts": rollouts, "successes": successes}
            for position, is_good, rollouts, successes in rows.order_by("step__position").values_list(*columns)
        ],
    }


def _of_own_runs(lengths: Mapping[int, int]) -> Iterator[tuple[int, RunFirstError]]:
    """Our own runs name the first error themselves: they may see more than hard labels do."""
    said = SolutionEstimate.objects.filter(counted_run_q("run__"), solution__in=lengths, failure="")
    for solution_id, run_id, position in said.values_list("solution_id", "run_id", "first_error"):
        yield solution_id, RunFirstError(run_id, UNKNOWN if position is None else position)


def _of_imported_runs(lengths: Mapping[int, int]) -> Iterator[tuple[int, RunFirstError]]:
    """Of runs that came with a file it follows from their hard labels."""
    labels: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    rows = StepEstimate.objects.filter(counted_run_q("run__"), step__solution__in=lengths, step__chosen=True)
    columns = ("step__solution_id", "run_id", "step__position", "rollouts", "successes", "hard")
    for solution_id, run_id, position, rollouts, successes, hard in rows.exclude(run__origin="").values_list(*columns):
        if (label := hard_label(rollouts, successes, hard=hard)) != UNKNOWN:
            labels[solution_id, run_id][position] = label
    for (solution_id, run_id), of_steps in labels.items():
        yield solution_id, RunFirstError(run_id, first_error(of_steps, lengths[solution_id]))


def _estimates(solutions: Collection[int], runs: Collection[int]) -> Iterator[tuple[Any, ...]]:
    rows = StepEstimate.objects.filter(step__solution__in=solutions, run__in=runs, step__chosen=True)
    yield from rows.values_list("step__solution_id", "run_id", "step_id", "rollouts", "successes", "hard")
