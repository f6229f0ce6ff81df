"""Comparisons of two solutions, or of two candidates for a step."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.corpus.models.imports import ImportBatch
from apps.corpus.models.problems import Problem
from apps.corpus.models.solutions import Solution, Step
from apps.projects.models import Project


class Comparison(models.Model):
    """Two solutions of one problem, side by side; or two candidates for one step after the same prefix.

    Without steps, the solutions are compared from position `shared_steps` on: what comes before is the same in both.
    With steps, only these two are compared, and `shared_steps` is their position.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="comparisons")
    left = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+")
    left_step = models.ForeignKey(Step, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    right_step = models.ForeignKey(Step, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    shared_steps = models.PositiveIntegerField(default=0)
    digest = models.UUIDField(help_text="Hash of the two sides, in either order.")
    external_id = models.TextField(null=True, blank=True)
    extras = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The import that brought it.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "digest"], name="one_comparison_per_pair"),
            models.CheckConstraint(
                condition=Q(left_step__isnull=True, right_step__isnull=True)
                | Q(left_step__isnull=False, right_step__isnull=False),
                name="both_sides_are_steps_or_none",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="comparison_by_project"),
            models.Index(fields=["batch", "id"], name="comparison_by_import", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.external_id or f"comparison {self.pk}"
