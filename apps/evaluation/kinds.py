"""The kinds of evaluations. A new one is a module in `reports`, a member of `EvaluationKind`, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.evaluation.models import EvaluationKind
from apps.evaluation.options import Truth
from apps.evaluation.reports.base import Compute
from apps.evaluation.reports.best_of_n import best_of_n
from apps.evaluation.reports.calibration import calibration
from apps.evaluation.reports.learning_curve import learning_curve
from apps.evaluation.reports.processbench import processbench
from apps.evaluation.reports.steps import steps


@dataclass(frozen=True, slots=True)
class KindOfEvaluation:
    """`fixed` are options that this kind does not leave open."""

    compute: Compute
    about: str
    fixed: Mapping[str, Any] = field(default_factory=dict)


KINDS: dict[str, KindOfEvaluation] = {
    EvaluationKind.PROCESSBENCH: KindOfEvaluation(
        processbench, "ProcessBench's F1: who names the first error of a solution, and who calls a right one correct."
    ),
    EvaluationKind.STEPS: KindOfEvaluation(steps, "PRMBench's score: who calls single steps good and bad rightly."),
    EvaluationKind.BEST_OF_N: KindOfEvaluation(
        best_of_n, "How often the best of N samples is right if a scorer chooses it, against the majority and pass@N."
    ),
    EvaluationKind.CALIBRATION: KindOfEvaluation(
        calibration, "Whether 70 % of what is scored 0.7 turns out right, and how far good and bad are apart."
    ),
    EvaluationKind.LEARNING_CURVE: KindOfEvaluation(
        learning_curve,
        "What each round bought: the first-error F1 of each scoring run, on gold, by the labels that existed when it "
        "started. Score the solutions with gold by each reward model that you train.",
        # The consensus consists of the labels that are on the other axis.
        fixed={"truth": Truth.GOLD},
    ),
}
