"""What the machines of a cascade say of each solution of its pool: the agreed first error and its posterior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.corpus.labels import NO_ERROR, UNKNOWN, first_error
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.estimation.strategies.base import Case, Counts
from apps.estimation.strategies.posterior import Priors, posterior
from apps.judging.models import JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.labeling.rounds.plan import selectable_solutions
from apps.quality.cascade.posterior import AssumedRates, JudgeVerdict, MachineLabel, distribution_around, machine_label
from apps.quality.models import Cascade

CHUNK = 5000


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """A run's result for a solution. `probability` is the strategy's own, or None."""

    first_error: int
    probability: float | None
    by_answer: bool


def pool_of(cascade: Cascade) -> list[int]:
    """Ids of the solutions that the blind sample was drawn from, ascending, also of those that are gone since."""
    return list(cascade.sample.frozen_pool.ids)


def kept_in_pool(cascade: Cascade, solution_ids: Sequence[int]) -> set[int]:
    """Those of the pool that were not set aside since: their problem is not retired, and they were not split anew."""
    kept: set[int] = set()
    for start in range(0, len(solution_ids), CHUNK):
        chunk = selectable_solutions(cascade.project).filter(pk__in=solution_ids[start : start + CHUNK])
        kept |= set(chunk.order_by().values_list("pk", flat=True))
    return kept


def machine_labels(cascade: Cascade, solution_ids: Sequence[int]) -> dict[int, MachineLabel]:
    """By solution id. Solutions that the estimation run or a judge run left out have no agreed label."""
    labels: dict[int, MachineLabel] = {}
    judge_runs = list(cascade.judge_runs.select_related("judge").order_by("pk"))
    for start in range(0, len(solution_ids), CHUNK):
        labels |= _chunk(cascade, judge_runs, solution_ids[start : start + CHUNK])
    return labels


def _chunk(cascade: Cascade, judge_runs: Sequence[JudgeRun], ids: Sequence[int]) -> dict[int, MachineLabel]:
    rows = Solution.objects.filter(pk__in=ids).values_list("pk", "step_count", "is_correct")
    solutions = {pk: (steps, is_correct) for pk, steps, is_correct in rows}
    estimates = run_estimates(cascade.estimation_run, ids)
    counts = _counts(cascade.estimation_run, ids)
    named = [run_first_errors(run, {pk: steps for pk, (steps, _) in solutions.items()}) for run in judge_runs]
    rates = AssumedRates(cascade.true_positive, cascade.true_negative)
    labels = {}
    for pk, (steps, is_correct) in solutions.items():
        estimate = estimates.get(pk)
        verdicts = [JudgeVerdict(errors.get(pk, UNKNOWN), rates) for errors in named]
        case = Case(steps, {} if is_correct is None else {steps - 1: is_correct})
        distribution = _distribution(cascade, estimate, counts.get(pk, {}), case)
        labels[pk] = machine_label(estimate.first_error if estimate else UNKNOWN, distribution, verdicts)
    return labels


def _distribution(
    cascade: Cascade,
    estimate: RunEstimate | None,
    counts: Mapping[int, Counts],
    case: Case,
) -> Sequence[float]:
    """P(first error) by Monte Carlo: from the counts of rollouts where there are any, else around what the run concludes."""
    if estimate is None:
        return list(distribution_around(UNKNOWN, 0.0, case.steps))
    if estimate.by_answer:
        return list(distribution_around(NO_ERROR, 1 - cascade.hidden_error, case.steps))
    if counts:
        return posterior(case, [counts.get(position, Counts()) for position in range(case.steps)], Priors())
    probability = 1 - cascade.hidden_error if estimate.probability is None else estimate.probability
    return list(distribution_around(estimate.first_error, probability, case.steps))


def run_estimates(run: EstimationRun, ids: Sequence[int]) -> dict[int, RunEstimate]:
    """By solution id: the run's first error; of an imported run from its hard labels."""
    if run.origin:
        return {pk: RunEstimate(error, None, by_answer=False) for pk, error in _imported(run, ids).items()}
    rows = SolutionEstimate.objects.filter(run=run, solution__in=ids, failure="")
    return {
        pk: RunEstimate(UNKNOWN if error is None else error, probability, by_answer)
        for pk, error, probability, by_answer in rows.values_list(
            "solution_id", "first_error", "probability", "by_answer"
        )
    }


def _imported(run: EstimationRun, ids: Sequence[int]) -> dict[int, int]:
    rows = StepEstimate.objects.with_label().filter(run=run, step__solution__in=ids, step__chosen=True)
    columns = ("step__solution_id", "step__solution__step_count", "step__position", "is_good")
    return _first_errors(
        [(pk, steps, position, 1 if is_good else -1) for pk, steps, position, is_good in rows.values_list(*columns)]
    )


def _counts(run: EstimationRun, ids: Sequence[int]) -> dict[int, dict[int, Counts]]:
    """By solution id and position: the counted rollouts."""
    rows = StepEstimate.objects.filter(run=run, step__solution__in=ids, step__chosen=True, rollouts__gt=0)
    counts: defaultdict[int, dict[int, Counts]] = defaultdict(dict)
    columns = ("step__solution_id", "step__position", "rollouts", "successes")
    for pk, position, rollouts, successes in rows.values_list(*columns):
        if successes is not None:
            counts[pk][position] = Counts(successes, rollouts - successes)
    return dict(counts)


def run_first_errors(run: JudgeRun, lengths: Mapping[int, int]) -> dict[int, int]:
    """By solution id, of those in `lengths` (their steps): what the judge run names; UNKNOWN where it names none."""
    if run.origin:
        rows = StepVerdict.objects.filter(run=run, step__solution__in=lengths, step__chosen=True)
        columns = ("step__solution_id", "step__position", "rating")
        return _first_errors(
            [(pk, lengths[pk], position, rating) for pk, position, rating in rows.values_list(*columns)]
        )
    verdicts = SolutionVerdict.objects.filter(run=run, solution__in=lengths)
    return {
        pk: error if outcome == ItemOutcome.VERDICT and error is not None else UNKNOWN
        for pk, outcome, error in verdicts.values_list("solution_id", "outcome", "first_error")
    }


def _first_errors(rows: Sequence[tuple[int, int, int, int]]) -> dict[int, int]:
    """By solution id, from rows of solution id, number of steps, position and rating."""
    lengths: dict[int, int] = {}
    ratings: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for pk, steps, position, rating in rows:
        lengths[pk] = steps
        ratings[pk][position] = rating
    return {pk: first_error(by_position, lengths[pk]) for pk, by_position in ratings.items()}
