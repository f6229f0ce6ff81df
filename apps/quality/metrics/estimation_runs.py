"""What a run has found, in figures: how soft values lie, where steps die, how sure the search is, and against people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q

from apps.corpus.labels import BAD
from apps.corpus.models import ImportBatch
from apps.estimation.hard_labels import false_bad, false_good, most_useful_rollouts
from apps.estimation.latest import run_counts
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.runs.selection import unsure_of
from apps.labeling.rounds.plan import askable
from apps.quality.metrics.refresh import FEWEST

BINS = 10
POSITIONS = 20
KEPT_S = 24 * 3600

_LABELED = Q(is_good__isnull=False)


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar: `count` of them, and how long it is drawn, as a `share`; None where too few of them tell no share."""

    label: str
    count: int
    share: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Monte Carlo's hard label against the label that stands, over steps that have both, of so many `solutions`."""

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
class Luck:
    """Shares of rollouts that succeed: p from good prefixes, q from bad ones, each of so many solutions."""

    p: float
    good_steps: int
    good_solutions: int
    q: float
    bad_steps: int
    bad_solutions: int

    @property
    def is_told(self) -> bool:
        return min(self.good_solutions, self.bad_solutions) >= FEWEST

    @property
    def most_useful(self) -> float | None:
        return most_useful_rollouts(self.p, self.q, self.good_steps / (self.good_steps + self.bad_steps))


@dataclass(frozen=True, slots=True)
class Fact:
    """What hard labels of so many rollouts come to, exactly."""

    rollouts: int
    false_bad: tuple[float, ...]
    false_good: tuple[float, ...]


GOOD_CHANCES, LUCKY_CHANCES = (0.1, 0.2, 0.5), (0.02, 0.05)


def hard_label_facts(rollouts: int) -> list[Fact]:
    """For some usual numbers and this one."""
    return [
        Fact(n, tuple(false_bad(p, n) for p in GOOD_CHANCES), tuple(false_good(q, n) for q in LUCKY_CHANCES))
        for n in sorted({4, 8, 16, 32, rollouts})
    ]


def _rows(sql: str, values: Sequence[object]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)  # type: ignore[arg-type]
        return list(cursor.fetchall())


def distributions(run: EstimationRun) -> dict[str, list[Bin]]:
    """Plots over all steps of a run: of half a million they take half a second, so they are kept for as long as
    nothing is added."""
    return cast(
        "dict[str, list[Bin]]",
        cache.get_or_set(
            f"run-distributions:{run.pk}:{_edition(run)}",
            lambda: {"soft": soft_values(run), "dead": dead_steps(run), "certainty": certainty(run)},
            KEPT_S,
        ),
    )


def _edition(run: EstimationRun) -> str:
    """Another one when something was added. To a run that came with a file another import may add, and nothing counts it."""
    if not run.origin:
        return f"{run.status}:{run.done}:{run.rollouts}"
    last = ImportBatch.objects.filter(project=run.project).aggregate(at=Max("finished_at"))["at"]
    return f"{last.timestamp() if last else 0}"


def soft_values(run: EstimationRun) -> list[Bin]:
    """Steps by the share of their rollouts that reached the answer, in tenths; the last holds 1 as well."""
    rows = _rows(
        """SELECT least(9, successes * 10 / rollouts), count(*) FROM estimation_stepestimate
           WHERE run_id = %s AND rollouts > 0 AND successes IS NOT NULL GROUP BY 1""",
        [run.pk],
    )
    counts = {row[0]: row[1] for row in rows}
    return _bars([(_tenth(place), counts.get(place, 0)) for place in range(BINS)])


def dead_steps(run: EstimationRun) -> list[Bin]:
    """Of the steps at each position, from 1, the share from which the answer was not reached any more."""
    labeled = StepEstimate.objects.with_label().filter(_LABELED, run=run, step__position__lt=POSITIONS)
    counts = labeled.values_list("step__position").annotate(dead=Count("pk", filter=Q(is_good=False)), of=Count("pk"))
    return [
        Bin(str(position + 1), dead, dead / of, f"{dead} of {of}")
        for position, dead, of in counts.order_by("step__position")
    ]


def certainty(run: EstimationRun) -> list[Bin]:
    """Solutions by how sure the search is of their first error, in tenths."""
    rows = _rows(
        """SELECT least(9, floor(probability * 10)::int), count(*) FROM estimation_solutionestimate
           WHERE run_id = %s AND probability IS NOT NULL GROUP BY 1""",
        [run.pk],
    )
    counts = {row[0]: row[1] for row in rows}
    return _bars([(_tenth(place), counts.get(place, 0)) for place in range(BINS)]) if counts else []


def unsure_count(run: EstimationRun) -> int:
    """How many solutions a round over `unsure:RUN` has to choose from; none where the run says nothing."""
    return unsure_of(askable(run.project), str(run.number)).count() if run_counts(run) else 0


def reliability(run: EstimationRun) -> list[Bin]:
    """Where gold or people name the first error too: how often the search was right, by how sure it said it was."""
    rows = _rows(
        f"""WITH {_TRUTH}
           SELECT least(9, floor(probability * 10)::int), count(*),
                  count(*) FILTER (WHERE said.first_error = ANY(truth.right_ones))
           FROM estimation_solutionestimate said JOIN truth ON truth.solution_id = said.solution_id
           WHERE said.run_id = %s AND said.probability IS NOT NULL GROUP BY 1 ORDER BY 1""",  # noqa: S608 - a constant
        [run.project_id, run.project_id, run.pk],
    )
    return [
        Bin(_tenth(place), total, right / total if total >= FEWEST else None, f"{right} of {total}")
        for place, total, right in rows
    ]


def luck(run: EstimationRun) -> Luck | None:
    """How rollouts fare from prefixes that are known to be good or bad; None where too little is known."""
    ((good_s, good_n, good_steps, good_solutions, bad_s, bad_n, bad_steps, bad_solutions),) = _rows(
        f"""WITH {_TRUTH}, known AS (
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
           FROM known""",  # noqa: S608 - a constant
        [run.project_id, run.project_id, run.pk],
    )
    if not good_n or not bad_n:
        return None
    return Luck(good_s / good_n, good_steps, good_solutions, bad_s / bad_n, bad_steps, bad_solutions)


def against_people(run: EstimationRun) -> Agreement:
    """Hard labels against the labels that stand: those that the quality page compares with, thin ones left out."""
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
    return Agreement(**counts)


# Which first errors are right, -1 for none at all: those that gold accepts, else the one that stands settled. They are
# told from gold as `corpus.labels.first_error` and `quality.gold.Gold` tell them. Of the steps, those before the earliest
# are known to be good, and those from the latest on to be bad; between them people may differ.
_TRUTH = """
    placed AS (
      SELECT step.solution_id, step.position, gold.rating,
             row_number() OVER (PARTITION BY step.solution_id ORDER BY step.position) - 1 = step.position AS is_whole
      FROM labeling_goldlabel gold JOIN corpus_step step ON step.id = gold.step_id AND step.chosen
      JOIN corpus_solution solution ON solution.id = step.solution_id
      WHERE solution.project_id = %s),
    gold AS (
      SELECT placed.solution_id, array_remove(
               coalesce(also.first_errors, '{}') || coalesce(
                 min(position) FILTER (WHERE rating = -1 AND is_whole),
                 CASE WHEN count(*) = solution.step_count AND NOT bool_or(rating = -1) THEN -1 END), NULL) AS right_ones
      FROM placed JOIN corpus_solution solution ON solution.id = placed.solution_id
      LEFT JOIN quality_alsoacceptable also ON also.solution_id = placed.solution_id
      GROUP BY placed.solution_id, solution.step_count, also.first_errors),
    people AS (
      SELECT solution_id, ARRAY[first_error] AS right_ones FROM quality_consensus
      WHERE project_id = %s AND state = 'settled' AND first_error IS NOT NULL),
    truth AS (
      SELECT known.solution_id, right_ones, earliest, CASE WHEN NOT -1 = ANY(right_ones) THEN latest END AS latest
      FROM (SELECT * FROM gold WHERE right_ones <> '{}' UNION ALL
            SELECT * FROM people WHERE solution_id NOT IN (SELECT solution_id FROM gold WHERE right_ones <> '{}')) known
      JOIN corpus_solution solution ON solution.id = known.solution_id
      JOIN corpus_problem problem ON problem.id = solution.problem_id AND problem.retired_at IS NULL
      CROSS JOIN LATERAL (
        SELECT min(place) AS earliest, max(place) AS latest FROM unnest(right_ones) place WHERE place >= 0) ends)
"""


def _bars(counted: Sequence[tuple[str, int]]) -> list[Bin]:
    highest = max((count for _, count in counted), default=0) or 1
    return [Bin(label, count, count / highest) for label, count in counted]


def _tenth(place: int) -> str:
    return f"{place / BINS:.1f} to {(place + 1) / BINS:.1f}"
