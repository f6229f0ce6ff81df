"""What single records say about their sources, for formats that write record by record. Pure."""

from __future__ import annotations

from apps.corpus.labels import hard_label
from apps.corpus.records import SolutionRecord, StepCount
from apps.exports.labels.columns.frames import YIELDS_SOFT, Place
from apps.exports.labels.columns.reasons import DEPARTED, OTHER_JUDGE, OTHER_RUN, THIN

__all__ = ["DEPARTED", "GIVES_SOFT", "OTHER_JUDGE", "OTHER_RUN", "THIN", "hard_rating", "path_places"]

GIVES_SOFT = YIELDS_SOFT


def hard_rating(count: StepCount) -> int:
    return hard_label(count.rollouts, count.successes, hard=count.hard)


def path_places(solution: SolutionRecord) -> dict[int, Place]:
    """By position, the place of the chosen step."""
    return {step.position: (step.position, step.candidate) for step in solution.steps if step.chosen}
