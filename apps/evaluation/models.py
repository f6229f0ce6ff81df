"""Evaluations: how good labels and reward models are, at one time and by one set of options."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.jobs.model import Job, JobStatus
from apps.projects.models import Project


class EvaluationKind(models.TextChoices):
    PROCESSBENCH = "processbench", "First errors"
    STEPS = "steps", "Steps"
    BEST_OF_N = "best_of_n", "Best-of-N"
    CALIBRATION = "calibration", "Calibration"
    LEARNING_CURVE = "learning_curve", "Labels against F1"


class Evaluation(Job):
    """One evaluation. Options are frozen at the start, and a finished result does not change.

    `done` and `total` count the parts of the computation, such as raters or curves.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="evaluations")
    requested_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=16, choices=EvaluationKind)
    options = models.JSONField(default=dict, blank=True)
    version = models.CharField(max_length=40, blank=True, default="", help_text="Of Annotate.")
    result = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "kind", "-id"], name="evaluation_by_kind")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status=JobStatus.FINISHED) | Q(result__isnull=False), name="finished_evaluation_has_result"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} evaluation {self.pk} of {self.project}"
