"""What rollouts say of steps."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.jobs import Job
from apps.corpus.models import Step
from apps.projects.models import Project


class EstimationRun(Job):
    """Monte Carlo labels that belong together. `origin` names the format of the file they came with."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="estimation_runs")
    number = models.PositiveIntegerField()
    strategy = models.CharField(max_length=30)
    completer = models.TextField(blank=True, default="", help_text="The model that continued the prefixes.")
    origin = models.CharField(max_length=30, blank=True, default="")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_estimation_run_per_number")]

    def __str__(self) -> str:
        return f"{self.strategy}, run {self.number}"


class StepEstimate(models.Model):
    """Successes out of rollouts for the prefix that ends with this step.

    Published Math-Shepherd files hold hard labels without counts: then `hard` stands alone.
    """

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="estimates", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="estimates")
    rollouts = models.PositiveIntegerField(null=True, blank=True)
    successes = models.PositiveIntegerField(null=True, blank=True)
    missing = models.PositiveIntegerField(default=0)
    hard = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_estimate_per_run_and_step"),
            models.CheckConstraint(condition=Q(successes__lte=F("rollouts")), name="successes_within_rollouts"),
            models.CheckConstraint(
                condition=Q(hard__isnull=False) | Q(rollouts__isnull=False), name="estimate_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.successes} of {self.rollouts} at step {self.step_id}"
