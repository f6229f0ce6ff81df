"""The conclusion of a scoring run that has processed all its solutions: finished, or failed without any score."""

from __future__ import annotations

from apps.core.jobs.model import JobStatus
from apps.runs.lifecycle import Conclusion
from apps.runs.notices import most_frequent
from apps.scoring.models import ScoringRun, SolutionScore


def conclusion(run: ScoringRun) -> Conclusion:
    notices: list[str] = []
    if run.missing or run.failed:
        failures = SolutionScore.objects.filter(run=run).exclude(failure="")
        if run.missing:
            notices.append(f"Steps without a score: {run.missing:,}.")
        notices += most_frequent(failures, "failure", "solution")
    if run.steps or not notices:
        return Conclusion(JobStatus.FINISHED, notices=tuple(notices))
    return Conclusion(JobStatus.FAILED, f"No step got a score. {' '.join(notices)}", tuple(notices))
