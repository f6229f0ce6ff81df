"""What judge models say of steps: which judge, in which run, what rating, how sure, and why."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.corpus.models import ImportBatch, Step
from apps.projects.models import Project

LONGEST_NAME = 200


class Judge(models.Model):
    """A model with a way of asking it. Another prompt is another version: its verdicts are not the old one's."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judges", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="one_judge_per_name_and_version"),
            models.CheckConstraint(condition=~Q(name=""), name="judge_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class JudgeRun(models.Model):
    """Verdicts of one judge that belong together. It came with files: `origin` is their format.

    A file may number its runs; those that give a judge the same number are one, so that a file that is imported
    again finds what it brought.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs", db_index=False)
    number = models.PositiveIntegerField()
    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="runs", db_index=False)
    origin = models.CharField(max_length=30)
    run_in_file = models.PositiveIntegerField(null=True, blank=True, help_text="The number that its file gives it.")
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that brought its first verdict.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_judge_run_per_number"),
            models.UniqueConstraint(
                fields=["judge", "origin", "run_in_file"],
                name="one_judge_run_per_number_in_files",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}, run {self.number}"


class VerdictQuerySet(models.QuerySet["StepVerdict"]):
    def oldest_run_first(self, *then: str) -> Self:
        """By what travels with a row: the judge's version, then the number that files give the run, none before any.

        The project's own number, which is the order in which runs came, only parts what is still equal. It says which
        of a judge's runs is its newest; of runs of different judges it says nothing.
        """
        in_file = F("run__run_in_file").asc(nulls_first=True)
        return self.order_by("run__judge__version", in_file, "run__number", *then)


class StepVerdict(models.Model):
    """A judge's word on one step. A step that it said nothing of has none."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="verdicts")
    rating = models.SmallIntegerField()
    confidence = models.FloatField(null=True, blank=True, help_text="How sure the judge is of it, 0 to 1.")
    reason = models.TextField(blank=True, default="")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_verdict_per_run_and_step"),
            models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="verdict_rating_in_range"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="verdict_confidence_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"
