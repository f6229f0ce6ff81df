"""The first errors that a reward model names: the first steps that score below a threshold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from apps.evaluation.metrics.processbench import first_errors_below
from apps.evaluation.metrics.thresholds import Threshold, choose_threshold
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.sources.first_errors import NamedErrors
from apps.evaluation.sources.scorers import rater_of
from apps.evaluation.sources.truth import FirstErrorTruth
from apps.quality.statistics.first_error_score import f1_of, first_error_tallies
from apps.quality.statistics.ratings import Floats, Ints, ints
from apps.scoring.models import ScoringRun


def errors_below_threshold(
    run: ScoringRun, places: Ints, scores: Floats, truth: FirstErrorTruth, options: EvaluationOptions
) -> Iterator[tuple[NamedErrors, Threshold]]:
    """One, of the solutions at these places; if the dev part chose the threshold, without those of the dev part.

    `scores` are those of all steps of the truth.
    """
    dev = places[truth.dev[places]]
    dev_scores, dev_offsets = _scores_at(dev, scores, truth)

    def f1_at(threshold: float) -> float:
        is_right = truth.accepts(dev, first_errors_below(dev_scores, dev_offsets, threshold))
        return float(f1_of(first_error_tallies(is_right, truth.is_erroneous[dev]).sum(axis=0)))

    threshold = choose_threshold(options.threshold, dev_scores, f1_at)
    if threshold.chosen == "dev":
        places = places[~truth.dev[places]]
    if len(places):
        errors = first_errors_below(*_scores_at(places, scores, truth), threshold.value)
        yield NamedErrors(rater_of(run), places, truth.accepts(places, errors)), threshold


def _scores_at(places: Ints, scores: Floats, truth: FirstErrorTruth) -> tuple[Floats, Ints]:
    """The scores of these solutions' steps, and their offsets."""
    lengths = truth.lengths[places]
    offsets = ints(np.concatenate(([0], np.cumsum(lengths))))
    steps = np.repeat(truth.offsets[places] - offsets[:-1], lengths) + np.arange(offsets[-1])
    return scores[steps], offsets
