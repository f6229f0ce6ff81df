"""Solutions of problems and their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.corpus.identity import EMPTY_SOLUTION
from apps.corpus.models.imports import ImportBatch
from apps.corpus.models.problems import Problem
from apps.projects.models import Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class SolutionGrade(models.TextChoices):
    """The verifier's grade of a final answer; `UNGRADED` where there is nothing to compare."""

    MATCH = "match", "match"
    NO_MATCH = "no_match", "no match"
    UNPARSED = "unparsed", "could not be read"
    UNGRADED = "ungraded", "not graded"


# A key in the extras of a solution whose steps were split again: the id of the newer version.
RESPLIT_INTO = "resplit_into"


class SolutionQuerySet(models.QuerySet["Solution"]):
    def written(self) -> Self:
        """Without the empty solutions of rounds that start from problems."""
        return self.exclude(digest=EMPTY_SOLUTION)

    def older(self) -> Self:
        """Older versions of solutions whose steps were split again."""
        return self.filter(extras__has_key=RESPLIT_INTO)

    def right(self) -> Self:
        return self.filter(is_correct=True)

    def wrong(self) -> Self:
        return self.filter(is_correct=False)

    def differing(self) -> Self:
        """Where the file and the verifier disagree on the answer. Ungraded solutions do not differ."""
        graded = self.filter(claimed_correct__isnull=False).exclude(grade=SolutionGrade.UNGRADED)
        return graded.exclude(is_correct=models.F("claimed_correct"))


class Solution(models.Model):
    """An attempt at a problem.

    `claimed_correct` is what the file says of its answer. `is_correct` is what the verifier says, or the file where the
    problem has no reference answer (the grade is `UNGRADED` then).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="solutions")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="solutions")
    digest = models.UUIDField(help_text="Hash of the identity, or of the source and the steps.")
    external_id = models.TextField(null=True, blank=True)
    source = models.TextField(null=True, blank=True, help_text="The model or person that wrote it.")
    final_answer = models.TextField(null=True, blank=True)
    is_correct = models.BooleanField(null=True, blank=True)
    claimed_correct = models.BooleanField(null=True, blank=True)
    grade = models.CharField(max_length=8, choices=SolutionGrade, default=SolutionGrade.UNGRADED)
    graded_by = models.CharField(max_length=40, blank=True, default="", help_text="Verifier and version.")
    verifier_score = models.FloatField(null=True, blank=True)
    step_count = models.PositiveIntegerField(help_text="Positions on its own path.")
    separator = models.TextField(default="\n", help_text="The text between its steps.")
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

    objects = SolutionQuerySet.as_manager()

    if TYPE_CHECKING:
        steps: RelatedManager[Step]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "digest"], name="one_solution_per_content"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                name="one_solution_per_external_id",
                condition=Q(external_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="solution_by_project"),
            models.Index(fields=["batch", "id"], name="solution_by_import", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.external_id or f"solution {self.pk}"


class Step(models.Model):
    """One candidate at a position, both from 0. `chosen` marks the solution's own path."""

    class Origin(models.TextChoices):
        MODEL = "model", "model"
        HUMAN = "human", "person"

    id = models.BigAutoField(primary_key=True)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField()
    candidate = models.PositiveIntegerField(default=0)
    text = models.TextField()
    origin = models.CharField(max_length=5, choices=Origin, default=Origin.MODEL)
    chosen = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "candidate"]
        constraints = [
            models.UniqueConstraint(fields=["solution", "position", "candidate"], name="one_step_per_place"),
            models.CheckConstraint(condition=Q(origin__in=["model", "human"]), name="step_origin_is_known"),
        ]

    def __str__(self) -> str:
        return f"step {self.position}.{self.candidate} of solution {self.solution_id}"
