"""Problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.corpus.models.imports import ImportBatch
from apps.projects.models import Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from apps.corpus.models.solutions import Solution


class Problem(models.Model):
    """A question, identified by its statement: two files with the same statement share the problem."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="problems")
    digest = models.UUIDField(help_text="Hash of the statement.")
    external_id = models.TextField(null=True, blank=True)
    statement = models.TextField()
    reference_answer = models.TextField(null=True, blank=True, help_text="May be wrong: the current guess.")
    reference_solution = models.TextField(null=True, blank=True)
    verifier = models.CharField(max_length=20, blank=True, default="", help_text="Empty: the project's.")
    subject = models.TextField(null=True, blank=True)
    level = models.TextField(null=True, blank=True)
    split = models.TextField(null=True, blank=True)
    extras = models.JSONField(
        null=True, blank=True, help_text="Values of the source format that have no field of their own."
    )
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
    edited_at = models.DateTimeField(
        null=True, blank=True, help_text="When its statement or reference answer was last edited by hand."
    )
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="Set for a bad problem, which is no longer labeled or exported."
    )
    retired_reason = models.TextField(blank=True, db_default="")

    if TYPE_CHECKING:
        solutions: RelatedManager[Solution]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="one_problem_per_statement"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                name="one_problem_per_external_id",
                condition=Q(external_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="problem_by_project"),
            models.Index(fields=["batch", "id"], name="problem_by_import", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.external_id or self.statement[:60]
