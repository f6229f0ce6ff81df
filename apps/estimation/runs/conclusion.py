"""The conclusion of a run that has processed all its solutions: finished, or failed without any counted rollout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Sum, Value
from django.db.models.functions import Length, Replace

from apps.core.jobs import JobStatus
from apps.estimation.engine.outcomes import MISSING, OUTCOME_TEXTS
from apps.estimation.models import EstimationRun, RolloutBatch, SolutionEstimate

_MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Conclusion:
    status: JobStatus
    error: str = ""
    notices: Sequence[str] = ()


def conclusion(run: EstimationRun) -> Conclusion:
    """A run without any counted rollout has failed, unless right answers alone labeled its solutions."""
    notices = [*_missing_by_outcome(run), *_endpoint_reasons(run)] if run.missing else []
    if run.rollouts or run.by_answer or not (run.missing or run.failed):
        return Conclusion(JobStatus.FINISHED, notices=notices)
    if run.failed < run.done and not run.missing:
        return Conclusion(JobStatus.FINISHED)
    causes = notices or _failures(run)
    return Conclusion(JobStatus.FAILED, f"No rollout could be counted. {' '.join(causes)}".strip(), notices)


def _missing_by_outcome(run: EstimationRun) -> list[str]:
    """The numbers of missing rollouts by outcome, as one sentence."""
    batches = RolloutBatch.objects.filter(run=run)
    sums = batches.aggregate(
        **{
            outcome.name.lower(): Sum(Length("outcomes") - Length(Replace("outcomes", Value(outcome.value), Value(""))))
            for outcome in MISSING
        }
    )
    parts = [f"{count:,} {OUTCOME_TEXTS[outcome]}" for outcome in MISSING if (count := sums[outcome.name.lower()])]
    return [f"Missing rollouts: {', '.join(parts)}."] if parts else []


def _endpoint_reasons(run: EstimationRun) -> list[str]:
    """The endpoint's most frequent reasons for requests that it did not answer."""
    batches = RolloutBatch.objects.filter(run=run).exclude(reason="")
    rows = batches.values_list("reason").annotate(count=Count("pk")).order_by("-count", "reason")[:_MOST_REASONS]
    return [f"{count:,} request{'s' if count > 1 else ''} without an answer: {reason}" for reason, count in rows]


def _failures(run: EstimationRun) -> list[str]:
    """The most frequent reasons why solutions have no result."""
    failed = SolutionEstimate.objects.filter(run=run).exclude(failure="")
    rows = failed.values_list("failure").annotate(count=Count("pk")).order_by("-count", "failure")[:_MOST_REASONS]
    return [f"{count:,} solution{'s' if count > 1 else ''}: {failure}" for failure, count in rows]
