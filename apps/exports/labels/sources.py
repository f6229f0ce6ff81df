"""What single records say about their sources, for formats that write record by record. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from apps.corpus.labels import hard_label
from apps.corpus.records import Record, SolutionRecord, StepCount
from apps.exports.labels.batch import ask
from apps.exports.labels.columns.frames import PLACE_BITS, Place, frames_of, place_of
from apps.exports.labels.columns.reasons import DEPARTED, OLDER_JUDGE, OTHER_JUDGE, OTHER_RUN, THIN
from apps.exports.labels.columns.sources import newest_counts
from apps.exports.policy import LabelPolicy

__all__ = ["DEPARTED", "OLDER_JUDGE", "OTHER_JUDGE", "OTHER_RUN", "THIN", "hard_rating", "path_places", "soft_shares"]


def hard_rating(count: StepCount) -> int:
    return hard_label(count.rollouts, count.successes, hard=count.hard)


def soft_shares(record: Record, policy: LabelPolicy) -> dict[Place, float]:
    """The share of successes of each step, in the run by which `monte_carlo_soft` labels the record."""
    return ask(_soft_shares, record, policy)


def _soft_shares(records: Sequence[Record], policy: LabelPolicy) -> list[dict[Place, float]]:
    shares: list[dict[Place, float]] = [{} for _ in records]
    for key, rollouts, successes in newest_counts(frames_of(records), policy, is_soft=True).iter_rows():
        shares[key >> PLACE_BITS][place_of(key)] = successes / rollouts
    return shares


def path_places(solution: SolutionRecord) -> dict[int, Place]:
    """By position, the place of the chosen step."""
    return {step.position: (step.position, step.candidate) for step in solution.steps if step.chosen}
