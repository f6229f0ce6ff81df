"""Endpoints, judges and runs."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Q

from apps.estimation.models import EstimationRun, RolloutBatch, SampledProblem, SamplingRun, StepEstimate
from apps.inference.models import Endpoint
from apps.judging.models import Judge, JudgeReply, JudgeRun, Revision
from apps.labeling.models import Round
from apps.quality.consensus.invalidation import mark_judge_run_stale, mark_run_stale
from apps.quality.models import Cascade, JudgeCertificate
from apps.removal.kinds.base import Kind, Loss, clause, counted
from apps.removal.kinds.solutions import RUNS
from apps.runs.models import Run
from apps.runs.selection import BLIND
from apps.runs.status import LIVE
from apps.scoring.models import RewardModel, ScoringRun, SolutionScore, StepScore

R = TypeVar("R", bound=Run)


class EndpointKind(Kind[Endpoint]):
    name, title, needs, model = "endpoint", "endpoint", "manage_endpoints", Endpoint
    is_archivable = True
    note = "Runs and judges that used it keep their results, and can no longer be resumed or asked."

    def parts(self, row: Endpoint) -> list[Loss]:
        rewards = RewardModel.objects.filter(endpoint=row).count()
        return counted((Judge.objects.filter(endpoint=row).count(), "judges that lose it"), (rewards, "reward models"))

    def holds(self, row: Endpoint) -> list[str]:
        live = [f"{run} is under way" for kind in RUNS for run in kind.objects.filter(endpoint=row, status__in=LIVE)]
        rounds = Round.objects.filter(endpoint=row, status__in=(Round.Status.OPEN, Round.Status.PAUSED)).count()
        return [*live, *clause(rounds, "round under way that it samples for", "rounds under way that it samples for")]

    def archive_holds(self, row: Endpoint) -> list[str]:
        return self.holds(row)


class JudgeKind(Kind[Judge]):
    name, title, needs, model = "judge", "judge", "estimate", Judge
    is_archivable = True

    def holds(self, row: Judge) -> list[str]:
        return [
            *clause(JudgeRun.objects.filter(judge=row).count(), "judge run"),
            *clause(JudgeCertificate.objects.filter(judge=row).count(), "certificate"),
        ]


class AnyRunKind(Kind[R]):
    """What all kinds of runs share. What a run wrote elsewhere holds it."""

    needs = "estimate"

    def holds(self, row: R) -> list[str]:
        if getattr(row, "origin", ""):
            return ["it was imported: delete its import"]
        return [] if row.has_ended else ["it has not ended: cancel it first"]


class EstimationRunKind(AnyRunKind[EstimationRun]):
    name, title, model = "estimation-run", "estimation run", EstimationRun

    def parts(self, row: EstimationRun) -> list[Loss]:
        return counted(
            (StepEstimate.objects.filter(run=row).count(), "estimates of steps"),
            (RolloutBatch.objects.filter(run=row).count(), "batches of rollouts"),
        )

    def holds(self, row: EstimationRun) -> list[str]:
        cascades = Cascade.objects.filter(estimation_run=row).count()
        return [*super().holds(row), *clause(cascades, "cascade that rests on it", "cascades that rest on it")]

    def remove(self, row: EstimationRun) -> None:
        mark_run_stale(row)
        row.delete()


class SamplingRunKind(AnyRunKind[SamplingRun]):
    name, title, model = "sampling-run", "sampling run", SamplingRun
    note = "The solutions that it wrote stay: delete those that nobody has used one by one."

    def parts(self, row: SamplingRun) -> list[Loss]:
        return counted((SampledProblem.objects.filter(run=row).count(), "results of problems"))


class ScoringRunKind(AnyRunKind[ScoringRun]):
    name, title, model = "scoring-run", "scoring run", ScoringRun

    def parts(self, row: ScoringRun) -> list[Loss]:
        return counted((StepScore.objects.filter(run=row).count(), "scores of steps"))

    def holds(self, row: ScoringRun) -> list[str]:
        applied = SolutionScore.objects.filter(run=row, is_applied=True).count()
        return [
            *super().holds(row),
            *clause(applied, "solution that has its score", "solutions that have their score from it"),
        ]


class JudgeRunKind(AnyRunKind[JudgeRun]):
    name, title, model = "judge-run", "judge run", JudgeRun

    def parts(self, row: JudgeRun) -> list[Loss]:
        replies = JudgeReply.objects.filter(run=row).count()
        return counted((row.verdicts, "verdicts"), (replies, "replies"))

    def holds(self, row: JudgeRun) -> list[str]:
        sample = row.selection.get(BLIND)
        certificates = JudgeCertificate.objects.filter(judge=row.judge_id).filter(
            Q(sample=sample) if sample else Q(pk=None)
        )
        return [
            *super().holds(row),
            *clause(
                Cascade.objects.filter(judge_runs=row).count(), "cascade that rests on it", "cascades that rest on it"
            ),
            *clause(certificates.count(), "certificate that rests on it", "certificates that rest on it"),
            *clause(Revision.objects.filter(run=row, revised__isnull=False).count(), "revised solution"),
        ]

    def remove(self, row: JudgeRun) -> None:
        mark_judge_run_stale(row)
        row.delete()
