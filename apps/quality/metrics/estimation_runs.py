"""The figures of an estimation run's page: distributions of its results, and how they compare with gold and consensus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q, QuerySet

from apps.corpus.labels import BAD
from apps.corpus.models import ImportBatch
from apps.estimation.hard_labels import false_bad, false_good, most_useful_rollouts
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.uncertainty import unsure_of
from apps.labeling.models import GoldLabel
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.gold.labels import gold_of
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Figure
from apps.runs.status import LIVE, run_counts

BINS = 10
POSITIONS = 20
CACHE_SECONDS = 24 * 3600

_LABELED = Q(is_good__isnull=False)


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """`count` items, drawn with a length of `share`; None where too few items have no meaningful share."""

    label: str
    count: int
    share: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConsensusAgreement:
    """Monte Carlo's hard label against the consensus, over steps that have both; `bad_good` counts steps that are bad by
    Monte Carlo and good by consensus."""

    good_good: int
    good_bad: int
    bad_good: int
    bad_bad: int
    solutions: int

    @property
    def steps(self) -> int:
        return self.good_good + self.good_bad + self.bad_good + self.bad_bad

    @property
    def agreement(self) -> float | None:
        return (self.good_good + self.bad_bad) / self.steps if self.steps else None


@dataclass(frozen=True, slots=True)
class RolloutSuccess:
    """Shares of rollouts that succeed: p from good prefixes, q from bad ones."""

    p: float
    good_steps: int
    good_solutions: int
    q: float
    bad_steps: int
    bad_solutions: int

    @property
    def is_shown(self) -> bool:
        return min(self.good_solutions, self.bad_solutions) >= MIN_SOLUTIONS

    @property
    def most_useful(self) -> float | None:
        return most_useful_rollouts(self.p, self.q, self.good_steps / (self.good_steps + self.bad_steps))


@dataclass(frozen=True, slots=True)
class HardLabelErrors:
    """The exact error rates of hard labels from a number of rollouts."""

    rollouts: int
    false_bad: tuple[float, ...]
    false_good: tuple[float, ...]


GOOD_CHANCES, LUCKY_CHANCES = (0.1, 0.2, 0.5), (0.02, 0.05)


def hard_label_errors(rollouts: int) -> list[HardLabelErrors]:
    """For some usual numbers of rollouts and for this one."""
    return [
        HardLabelErrors(n, tuple(false_bad(p, n) for p in GOOD_CHANCES), tuple(false_good(q, n) for q in LUCKY_CHANCES))
        for n in sorted({4, 8, 16, 32, rollouts})
    ]


# --- distributions ----------------------------------------------------------------------------------------


def distributions(run: EstimationRun) -> dict[str, list[HistogramBar]]:
    """The histograms of a run. Half a million steps take half a second, so they are cached until results are added."""
    return cast(
        "dict[str, list[HistogramBar]]",
        cache.get_or_set(
            f"run-histograms:{run.pk}:{results_version(run)}",
            lambda: {"soft": soft_values(run), "dead": dead_steps(run), "certainty": certainty(run)},
            CACHE_SECONDS,
        ),
    )


def results_version(run: EstimationRun) -> str:
    """Another string for other results of the run."""
    if run.origin:
        # Any later import may add results, and nothing counts them.
        last_import = ImportBatch.objects.filter(project=run.project).aggregate(at=Max("finished_at"))["at"]
        return f"{last_import.timestamp() if last_import else 0}"
    return f"{run.status}:{run.done}:{run.rollouts}"


def soft_values(run: EstimationRun) -> list[HistogramBar]:
    """Steps by the share of their rollouts that reached the answer, in tenths; the last includes 1."""
    rows = _query(
        """SELECT least(9, successes * 10 / rollouts), count(*) FROM estimation_stepestimate
           WHERE run_id = %s AND rollouts > 0 AND successes IS NOT NULL GROUP BY 1""",
        [run.pk],
    )
    return _bars(rows)


def dead_steps(run: EstimationRun) -> list[HistogramBar]:
    """Of the steps at each position, counted from 1, the share with a bad hard label."""
    labeled = StepEstimate.objects.with_label().filter(_LABELED, run=run, step__position__lt=POSITIONS)
    counts = labeled.values_list("step__position").annotate(dead=Count("pk", filter=Q(is_good=False)), of=Count("pk"))
    return [
        HistogramBar(str(position + 1), dead, dead / of, f"{dead} of {of}")
        for position, dead, of in counts.order_by("step__position")
    ]


def certainty(run: EstimationRun) -> list[HistogramBar]:
    """Solutions by the probability of the first error that the search found, in tenths."""
    rows = _query(
        """SELECT least(9, floor(probability * 10)::int), count(*) FROM estimation_solutionestimate
           WHERE run_id = %s AND probability IS NOT NULL GROUP BY 1""",
        [run.pk],
    )
    return _bars(rows) if rows else []


def unsure_count(run: EstimationRun) -> int:
    """How many solutions a round over `unsure:RUN` can select; 0 if the run does not count."""
    return unsure_of(selectable_solutions(run.project), str(run.number)).count() if run_counts(run) else 0


# --- against gold and consensus ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run's results compared with gold and consensus as they were when a worker read them, at `at`."""

    people: ConsensusAgreement
    reliability: list[HistogramBar]
    rollout_success: RolloutSuccess | None
    at: datetime


def comparable_runs() -> QuerySet[EstimationRun]:
    """The runs whose pages show results: those that are not under way."""
    return EstimationRun.objects.exclude(status__in=LIVE)


def comparison_of(run: EstimationRun) -> dict[str, Any]:
    """The comparison as the data of a figure. It reads all results of the run; workers run it."""
    success = rollout_success(run)
    return {
        "run": run.pk,
        "results": results_version(run),
        "people": asdict(against_people(run)),
        "reliability": [asdict(bar) for bar in reliability(run)],
        "rollout_success": None if success is None else asdict(success),
    }


def stored_comparison(run: EstimationRun) -> ComparedRun | None:
    """None until a worker has computed it. The number of a run that was deleted may be that of a later one."""
    figures = Figure.objects.filter(project=run.project_id, name="run", scope=f"run:{run.number}")
    figure = figures.filter(data__run=run.pk).first()
    if figure is None:
        return None
    success = figure.data["rollout_success"]
    return ComparedRun(
        people=ConsensusAgreement(**figure.data["people"]),
        reliability=[HistogramBar(**bar) for bar in figure.data["reliability"]],
        rollout_success=None if success is None else RolloutSuccess(**success),
        at=figure.at,
    )


# The first errors that are right, -1 for none: those that gold accepts, else the settled consensus. Gold's are computed by
# `gold_of` and passed in as two arrays. Steps before the earliest are good and those from the latest on are bad.
_TRUTH = """
    gold AS (
      SELECT solution_id, array_agg(first_error) AS first_errors
      FROM unnest(%s::bigint[], %s::int[]) accepted(solution_id, first_error) GROUP BY solution_id),
    known AS (
      SELECT solution_id, first_errors FROM gold
      UNION ALL
      SELECT solution_id, ARRAY[first_error] FROM quality_consensus
      WHERE project_id = %s AND state = 'settled' AND first_error IS NOT NULL
        AND solution_id NOT IN (SELECT solution_id FROM gold)),
    truth AS (
      SELECT known.solution_id, first_errors, earliest, CASE WHEN NOT -1 = ANY(first_errors) THEN latest END AS latest
      FROM known
      JOIN corpus_solution solution ON solution.id = known.solution_id
      JOIN corpus_problem problem ON problem.id = solution.problem_id AND problem.retired_at IS NULL
      CROSS JOIN LATERAL (
        SELECT min(position) AS earliest, max(position) AS latest
        FROM unnest(first_errors) position WHERE position >= 0) ends)
"""


def reliability(run: EstimationRun) -> list[HistogramBar]:
    """Of solutions whose first error gold or people name: how often the search found it, by its own probability."""
    rows = _query(
        f"""WITH {_TRUTH}
           SELECT least(9, floor(probability * 10)::int), count(*),
                  count(*) FILTER (WHERE estimate.first_error = ANY(truth.first_errors))
           FROM estimation_solutionestimate estimate JOIN truth ON truth.solution_id = estimate.solution_id
           WHERE estimate.run_id = %s AND estimate.probability IS NOT NULL GROUP BY 1 ORDER BY 1""",  # noqa: S608 - a constant
        [*_truth_values(run.project), run.pk],
    )
    return [
        HistogramBar(_tenth(tenth), total, right / total if total >= MIN_SOLUTIONS else None, f"{right} of {total}")
        for tenth, total, right in rows
    ]


def rollout_success(run: EstimationRun) -> RolloutSuccess | None:
    """How often rollouts succeed from prefixes known to be good or bad; None without rollouts from both."""
    ((good_s, good_n, good_steps, good_solutions, bad_s, bad_n, bad_steps, bad_solutions),) = _query(
        f"""WITH {_TRUTH}, prefix AS (
             SELECT step.solution_id, estimate.successes, estimate.rollouts,
                    truth.earliest IS NULL OR step.position < truth.earliest AS good,
                    truth.latest IS NOT NULL AND step.position >= truth.latest AS bad
             FROM estimation_stepestimate estimate JOIN corpus_step step ON step.id = estimate.step_id AND step.chosen
             JOIN truth ON truth.solution_id = step.solution_id
             WHERE estimate.run_id = %s AND estimate.rollouts > 0 AND estimate.successes IS NOT NULL)
           SELECT coalesce(sum(successes) FILTER (WHERE good), 0), coalesce(sum(rollouts) FILTER (WHERE good), 0),
                  count(*) FILTER (WHERE good), count(DISTINCT solution_id) FILTER (WHERE good),
                  coalesce(sum(successes) FILTER (WHERE bad), 0), coalesce(sum(rollouts) FILTER (WHERE bad), 0),
                  count(*) FILTER (WHERE bad), count(DISTINCT solution_id) FILTER (WHERE bad)
           FROM prefix""",  # noqa: S608 - a constant
        [*_truth_values(run.project), run.pk],
    )
    if not good_n or not bad_n:
        return None
    return RolloutSuccess(good_s / good_n, good_steps, good_solutions, bad_s / bad_n, bad_steps, bad_solutions)


def against_people(run: EstimationRun) -> ConsensusAgreement:
    """Hard labels against the consensus of steps, thin ones left out, as on the quality page."""
    both = StepEstimate.objects.with_label().filter(
        _LABELED,
        run=run,
        step__chosen=True,
        step__consensus__is_thin=False,
        step__solution__problem__retired_at=None,
    )
    by_people = {"good": Q(step__consensus__rating__gt=BAD), "bad": Q(step__consensus__rating=BAD)}
    counts = both.aggregate(
        **{f"good_{label}": Count("pk", filter=Q(is_good=True) & rated) for label, rated in by_people.items()},
        **{f"bad_{label}": Count("pk", filter=Q(is_good=False) & rated) for label, rated in by_people.items()},
        solutions=Count("step__solution", distinct=True),
    )
    return ConsensusAgreement(**counts)


def _truth_values(project: Project) -> list[object]:
    """The values of `_TRUTH`."""
    labels = GoldLabel.objects.filter(step__solution__project=project, step__chosen=True)
    gold = gold_of(set(labels.values_list("step__solution_id", flat=True)))
    accepted = [(pk, first_error) for pk, known in gold.items() for first_error in sorted(known.acceptable)]
    return [[pk for pk, _ in accepted], [first_error for _, first_error in accepted], project.pk]


def _query(sql: str, values: Sequence[object]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)  # type: ignore[arg-type]
        return list(cursor.fetchall())


def _bars(rows: Sequence[tuple[int, ...]]) -> list[HistogramBar]:
    """A bar for each tenth, from rows of the tenth's number and its count; the longest has the length 1."""
    counts = {row[0]: row[1] for row in rows}
    highest = max(counts.values(), default=0) or 1
    return [
        HistogramBar(_tenth(number), counts.get(number, 0), counts.get(number, 0) / highest) for number in range(BINS)
    ]


def _tenth(number: int) -> str:
    return f"{number / BINS:.1f} to {(number + 1) / BINS:.1f}"
