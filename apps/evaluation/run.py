"""Runs an evaluation: computes its report and stores it."""

from __future__ import annotations

from django.utils import timezone

from apps.core.db.locks import try_advisory_lock
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.evaluation.kinds import KINDS
from apps.evaluation.models import Evaluation
from apps.evaluation.services import checked_options


class EvaluationCancelled(Exception):
    """The evaluation was cancelled while it ran."""


def run_evaluation(*, evaluation_id: int) -> Evaluation:
    """Compute and store the result. Safe to call again at any time: it starts over, and an ended one stays as it is."""
    evaluation = Evaluation.objects.select_related("project").get(pk=evaluation_id)
    with try_advisory_lock("evaluation", evaluation_id) as claimed:
        if not claimed or evaluation.has_ended:
            return evaluation
        evaluation.start()

        def progress(done: int, total: int) -> None:
            running = Evaluation.objects.filter(pk=evaluation_id, status=JobStatus.RUNNING)
            if not running.update(done=done, total=total, beat_at=timezone.now()):
                raise EvaluationCancelled
            evaluation.done, evaluation.total = done, total

        def fail(reason: str) -> None:
            evaluation.end(JobStatus.FAILED, error=reason)

        with end_on_error(f"evaluation {evaluation_id}", fail, noun="evaluation"):
            try:
                options = checked_options(evaluation.options)
                evaluation.result = KINDS[evaluation.kind].compute(evaluation.project, options, progress)
                progress(evaluation.total or 1, evaluation.total or 1)
                evaluation.end(JobStatus.FINISHED)
            except EvaluationCancelled:
                evaluation.refresh_from_db()
    return evaluation
