"""The kinds of evaluations. A new one is a module in `reports`, a member of `EvaluationKind`, and one line here."""

from __future__ import annotations

from dataclasses import dataclass

from apps.evaluation.models import EvaluationKind
from apps.evaluation.reports.base import Compute
from apps.evaluation.reports.best_of_n import best_of_n
from apps.evaluation.reports.calibration import calibration
from apps.evaluation.reports.processbench import processbench
from apps.evaluation.reports.steps import steps


@dataclass(frozen=True, slots=True)
class KindOfEvaluation:
    compute: Compute
    about: str


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
}
