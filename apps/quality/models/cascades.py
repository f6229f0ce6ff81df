"""Cascades: rollouts label first, then judges, then people; and the labels that machines give under a promise."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.projects.models import Project
from apps.quality.models.trust import BlindSample


class Cascade(models.Model):
    """A plan that is frozen before anybody labels its blind sample, and what came of it.

    Machine labels stand where the estimation run and all judge runs agree on the first error and its posterior is `tau` or
    above. `table` holds what each tau would mean, as it was when tau was chosen.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", "waits for its blind round"
        GRANTED = "granted", "granted, not applied"
        REFUSED = "refused", "refused: people label everything"
        APPLIED = "applied", "applied"
        WITHDRAWN = "withdrawn", "withdrawn"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cascades", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED)
    estimation_run = models.ForeignKey(EstimationRun, on_delete=models.PROTECT, related_name="+")
    judge_runs = models.ManyToManyField(JudgeRun, related_name="cascades")
    sample = models.OneToOneField(BlindSample, on_delete=models.CASCADE, related_name="cascade")
    alpha = models.FloatField(default=0.05, help_text="Largest share of wrong first errors among machine labels.")
    delta = models.FloatField(default=0.05, help_text="1 minus the confidence.")
    true_positive = models.FloatField(default=0.8, help_text="Assumed rate of the judges, for the posterior.")
    true_negative = models.FloatField(default=0.95, help_text="Assumed rate of the judges, for the posterior.")
    hidden_error = models.FloatField(default=0.1, help_text="Assumed share of right answers with a bad step.")
    machine_cost = models.FloatField(default=0, help_text="Of one solution.")
    people_cost = models.FloatField(default=0, help_text="Of one solution.")
    tau = models.FloatField(null=True, blank=True)
    bound = models.FloatField(null=True, blank=True, help_text="Upper bound of the share of wrong first errors.")
    table = models.JSONField(default=list, blank=True)
    reason = models.TextField(blank=True, default="", help_text="What the choice came to, as a sentence.")
    labels_by_machines = models.PositiveIntegerField(default=0, help_text="Solutions that machines label.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    chosen_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_cascade_per_number"),
            models.UniqueConstraint(
                fields=["project"], name="one_applied_cascade_per_project", condition=Q(status="applied")
            ),
            models.CheckConstraint(condition=Q(alpha__gt=0, alpha__lt=1), name="cascade_alpha_is_a_share"),
            models.CheckConstraint(condition=Q(delta__gt=0, delta__lt=1), name="cascade_delta_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"cascade {self.number}"


class CascadeLabel(models.Model):
    """What machines say of a solution of the pool. It is a label if `is_label`; otherwise people label the solution.

    `first_error` and `posterior` are those of the machines where they agree, else empty.
    """

    cascade = models.ForeignKey(Cascade, on_delete=models.CASCADE, related_name="labels", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="cascade_labels")
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: no error.")
    posterior = models.FloatField(null=True, blank=True)
    is_label = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cascade", "solution"], name="one_cascade_label_per_solution"),
            models.CheckConstraint(
                condition=Q(is_label=False) | Q(first_error__isnull=False), name="cascade_label_has_a_first_error"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_error} for solution {self.solution_id}"
