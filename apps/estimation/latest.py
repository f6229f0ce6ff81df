"""Monte Carlo labels of solutions: those of the newest counted run, the same for all pages, queues, API and exports.

A run counts once it has finished or was cancelled; before, its counts may change. It has a result for a solution if it
has a `SolutionEstimate` without a failure, or, for an imported run, a hard label on the solution's path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.corpus.labels import UNKNOWN, first_error, hard_label
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.runs.status import counted_run_q


@dataclass(frozen=True, slots=True)
class RunFirstError:
    """The newest run with a result for a solution, and its first error: a position, NO_ERROR or UNKNOWN."""

    run_id: int
    first_error: int


def newest_first_errors(lengths: Mapping[int, int]) -> dict[int, RunFirstError]:
    """The newest run's first error by solution. `lengths`: the number of steps by solution ID. Two queries."""
    # Our own runs store the first error: a strategy may know more than the hard labels.
    estimates = SolutionEstimate.objects.filter(counted_run_q("run__"), solution__in=lengths, failure="")
    errors = [
        (solution_id, RunFirstError(run_id, UNKNOWN if position is None else position))
        for solution_id, run_id, position in estimates.values_list("solution_id", "run_id", "first_error")
    ]
    newest: dict[int, RunFirstError] = {}
    for solution_id, error in (*errors, *_from_imported_runs(lengths)):
        if solution_id not in newest or error.run_id > newest[solution_id].run_id:
            newest[solution_id] = error
    return newest


def newest_step_labels(lengths: Mapping[int, int]) -> dict[int, int]:
    """The newest run's hard label by step ID, for steps on the paths of these solutions. Steps without one are left out."""
    runs = {pk: error.run_id for pk, error in newest_first_errors(lengths).items()}
    labels: dict[int, int] = {}
    rows = StepEstimate.objects.filter(step__solution__in=runs, run__in=set(runs.values()), step__chosen=True)
    columns = ("step__solution_id", "run_id", "step_id", "rollouts", "successes", "hard")
    for solution_id, run_id, step_id, rollouts, successes, hard in rows.values_list(*columns):
        label = hard_label(rollouts, successes, hard=hard)
        if runs[solution_id] == run_id and label != UNKNOWN:
            labels[step_id] = label
    return labels


def newest_estimates(solution_id: int) -> dict[str, Any] | None:
    """The newest run's number and its estimates by position; None if no counted run has a result for the solution.

    `hard` is the hard label, also where the run stored only counts.
    """
    length = Solution.objects.values_list("step_count", flat=True).get(pk=solution_id)
    newest = newest_first_errors({solution_id: length}).get(solution_id)
    if newest is None:
        return None
    rows = StepEstimate.objects.with_label().filter(run=newest.run_id, step__solution=solution_id, step__chosen=True)
    columns = ("step__position", "is_good", "rollouts", "successes")
    return {
        "run": EstimationRun.objects.values_list("number", flat=True).get(pk=newest.run_id),
        "steps": [
            {"position": position, "hard": is_good, "rollouts": rollouts, "successes": successes}
            for position, is_good, rollouts, successes in rows.order_by("step__position").values_list(*columns)
        ],
    }


def _from_imported_runs(lengths: Mapping[int, int]) -> Iterator[tuple[int, RunFirstError]]:
    """The first error of an imported run follows from its hard labels."""
    labels: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    rows = StepEstimate.objects.filter(counted_run_q("run__"), step__solution__in=lengths, step__chosen=True)
    columns = ("step__solution_id", "run_id", "step__position", "rollouts", "successes", "hard")
    for solution_id, run_id, position, rollouts, successes, hard in rows.exclude(run__origin="").values_list(*columns):
        if (label := hard_label(rollouts, successes, hard=hard)) != UNKNOWN:
            labels[solution_id, run_id][position] = label
    for (solution_id, run_id), by_position in labels.items():
        yield solution_id, RunFirstError(run_id, first_error(by_position, lengths[solution_id]))
