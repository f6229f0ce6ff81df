"""The conclusion of a run that has processed all its solutions: finished, or failed without any counted rollout."""

from __future__ import annotations

from django.db.models import Sum, Value
from django.db.models.functions import Length, Replace

from apps.core.jobs.model import JobStatus
from apps.estimation.engine.outcomes import MISSING, OUTCOME_TEXTS
from apps.estimation.models import EstimationRun, RolloutBatch, SolutionEstimate
from apps.runs.lifecycle import Conclusion
from apps.runs.notices import most_frequent


def conclusion(run: EstimationRun) -> Conclusion:
    """A run without any counted rollout has failed, unless right answers alone labeled its solutions."""
    notices: list[str] = []
    if run.missing:
        unanswered = RolloutBatch.objects.filter(run=run).exclude(reason="")
        notices = [*_missing_by_outcome(run), *most_frequent(unanswered, "reason", "request", " without an answer")]
    if run.rollouts or run.by_answer or not (run.missing or run.failed):
        return Conclusion(JobStatus.FINISHED, notices=tuple(notices))
    if run.failed < run.done and not run.missing:
        return Conclusion(JobStatus.FINISHED)
    failures = SolutionEstimate.objects.filter(run=run).exclude(failure="")
    causes = notices or most_frequent(failures, "failure", "solution")
    return Conclusion(JobStatus.FAILED, f"No rollout could be counted. {' '.join(causes)}".strip(), tuple(notices))


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
