"""What is right: first errors and ratings of steps, by gold, and by the consensus where there is no gold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.corpus.labels import BAD, NO_ERROR
from apps.evaluation.options import EvaluationOptions, Truth
from apps.evaluation.sources.arrays import load_table, numbers_of
from apps.labeling.models import GoldLabel
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.models import StepConsensus
from apps.quality.statistics.ratings import Bools, Ints, ints
from apps.quality.trust.truth import gold_first_errors, settled_consensus

_SHIFT = 2  # First errors begin with UNKNOWN = -2.
_DEV_PARTS = 1000


@dataclass(frozen=True, slots=True)
class FirstErrorTruth:
    """One entry per solution, by id. `problems` and `parts` are numbers; `dev` is where thresholds may be chosen.

    A solution for which no error is acceptable, too, is not erroneous.
    """

    solutions: Ints
    problems: Ints
    lengths: Ints
    parts: Ints
    part_names: list[str]
    is_erroneous: Bools
    dev: Bools
    gold_count: int
    _accepted: Ints  # In ascending order.

    @property
    def offsets(self) -> Ints:
        return ints(np.concatenate(([0], np.cumsum(self.lengths))))

    def accepts(self, places: Ints, first_errors: Ints) -> Bools:
        """Whether these first errors of the solutions at these places are right."""
        keys = _keys(places, first_errors, self.lengths)
        nearest = np.minimum(np.searchsorted(self._accepted, keys), len(self._accepted) - 1)
        return np.asarray(self._accepted[nearest] == keys)


@dataclass(frozen=True, slots=True)
class StepTruth:
    """One entry per step, by id: whether it is good, and the number of its problem."""

    steps: Ints
    is_good: Bools
    problems: Ints
    dev: Bools
    gold_count: int


def first_error_truth(project: Project, options: EvaluationOptions) -> FirstErrorTruth:
    """Five queries."""
    by = f"problem__{options.by}" if options.by != "source" else "source"
    columns = ("pk", "problem_id", "step_count", by, "problem__digest")
    gold = gold_first_errors(project)
    accepted = {pk: acceptable for pk, acceptable in gold.items() if acceptable}
    rows = list(selectable_solutions(project).filter(pk__in=accepted).values_list(*columns))
    gold_count = len(rows)
    if options.truth == Truth.GOLD_AND_CONSENSUS:
        for first_error, *row in settled_consensus(project).values_list(
            "first_error", *(f"solution__{name}" for name in columns)
        ):
            if row[0] not in gold:
                accepted[row[0]] = frozenset({first_error})
                rows.append(tuple(row))
    return _truth(sorted(rows), accepted, gold_count, options.dev_share)


def _truth(
    rows: list[tuple[Any, ...]], accepted: dict[int, frozenset[int]], gold_count: int, dev_share: float
) -> FirstErrorTruth:
    solutions, problems, lengths = (ints([row[column] for row in rows]) for column in range(3))
    part_names = sorted({row[3] or "" for row in rows})
    numbers = {name: number for number, name in enumerate(part_names)}
    pairs = ints([(place, first_error) for place, row in enumerate(rows) for first_error in accepted[row[0]]])
    places, first_errors = pairs.reshape(-1, 2).T
    return FirstErrorTruth(
        solutions=solutions,
        problems=numbers_of(problems),
        lengths=lengths,
        parts=ints([numbers[row[3] or ""] for row in rows]),
        part_names=part_names,
        is_erroneous=np.array([NO_ERROR not in accepted[row[0]] for row in rows], dtype=np.bool_),
        dev=in_dev_part((row[4] for row in rows), dev_share),
        gold_count=gold_count,
        _accepted=np.sort(_keys(places, first_errors, lengths)),
    )


def _keys(places: Ints, first_errors: Ints, lengths: Ints) -> Ints:
    return ints(places * (int(lengths.max(initial=0)) + _SHIFT + 1) + first_errors + _SHIFT)


def step_truth(project: Project, options: EvaluationOptions) -> StepTruth:
    """Ratings of steps on the solutions' own paths. Three queries."""
    steps = {"step__chosen": True, "step__solution__project": project, "step__solution__problem__retired_at": None}
    columns = ("step_id", "rating", "step__solution__problem_id")
    table = load_table(GoldLabel.objects.filter(**steps), *columns)
    gold_count = len(table)
    if options.truth == Truth.GOLD_AND_CONSENSUS:
        consensus = StepConsensus.objects.filter(**steps, is_thin=False, step__gold=None)
        table = np.concatenate((table, load_table(consensus, *columns)))
    table = table[np.argsort(table[:, 0])]
    step_ids, ratings, problems = (ints(column) for column in table.T)
    digests = dict(project.problems.values_list("pk", "digest"))
    dev = in_dev_part((digests[pk] for pk in problems.tolist()), options.dev_share)
    return StepTruth(step_ids, ratings != BAD, numbers_of(problems), dev, gold_count)


def in_dev_part(digests: Iterable[Any], share: float) -> Bools:
    """Which problems are in the part on which thresholds are chosen: by their digests, so always the same ones."""
    return np.array([digest.int % _DEV_PARTS < share * _DEV_PARTS for digest in digests], dtype=np.bool_)
