"""The conclusion of a judge run that has processed all its items: finished, or failed without any verdict."""

from __future__ import annotations

from apps.core.jobs.model import JobStatus
from apps.judging.models import ComparisonVerdict, JudgeRun, SolutionVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.runs.lifecycle import Conclusion
from apps.runs.notices import most_frequent


def conclusion(run: JudgeRun) -> Conclusion:
    compares = run.judge.compares
    noun = "comparison" if compares else "solution"
    rows = (ComparisonVerdict if compares else SolutionVerdict).objects.filter(run=run)
    notices = []
    for outcome in (ItemOutcome.INCONSISTENT, ItemOutcome.TIED, ItemOutcome.REFUSAL, ItemOutcome.UNREADABLE):
        without = rows.filter(outcome=outcome)
        notices += most_frequent(without, "reason", noun, f" {ItemOutcome(outcome).label}")
    if run.verdicts or not notices:
        return Conclusion(JobStatus.FINISHED, notices=tuple(notices))
    return Conclusion(JobStatus.FAILED, f"There is no verdict. {' '.join(notices)}", tuple(notices))
