"""Labels against F1: what a scorer trained on more labels gains, and how many labels reach an F1. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

from apps.quality.statistics.bootstrap import Measured

# `prm-random-2`, `prm/checkpoint-500` and `prm v3` end with a number; `Qwen2.5` and `PRM-7B` do not.
_NUMBER_AT_END = re.compile(r"[-_/@: ]+(?:v|r|round|step)?[-_ ]?\d+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """The F1 of a scorer that was trained on this many labels, after the round of this name."""

    name: str
    labels: int
    f1: Measured


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The points of one way to choose what is labeled, such as `random` or `convincing`, by labels."""

    title: str
    points: list[LearningPoint]


def learning_curve(title: str, points: Iterable[LearningPoint]) -> LearningCurve:
    """In the order of labels, without points whose F1 is undefined. Raises ValueError for a number of labels below 1."""
    defined = sorted((point for point in points if point.f1.value is not None), key=lambda point: point.labels)
    if defined and defined[0].labels < 1:
        raise ValueError("labels: must be at least 1")
    return LearningCurve(title, defined)


def line_of(model: str) -> str:
    """The line that a model is on: its name without the number at its end, so that each round's model continues it."""
    return _NUMBER_AT_END.sub("", model) or model


def labels_to_reach(curve: LearningCurve, f1: float) -> float | None:
    """The labels at which the curve first reaches the F1, between two points by the logarithm of labels; None if never."""
    before: LearningPoint | None = None
    for point in curve.points:
        value = point.f1.value or 0.0
        if value >= f1:
            if before is None or before.f1.value is None:
                return float(point.labels)
            part = (f1 - before.f1.value) / (value - before.f1.value)
            return exp(log(before.labels) + part * (log(point.labels) - log(before.labels)))
        before = point
    return None


def label_ratio(curve: LearningCurve, baseline: LearningCurve) -> float | None:
    """The share of the baseline's labels with which the curve reaches the F1 of the baseline's last point."""
    if not baseline.points or not curve.points:
        return None
    last = baseline.points[-1]
    needed = labels_to_reach(curve, last.f1.value or 0.0)
    return None if needed is None else needed / last.labels
