"""Judge models, their runs, and their verdicts on steps, each with its confidence and reason."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.corpus.models import ImportBatch, Step
from apps.projects.models import Project

LONGEST_NAME = 200


class Judge(models.Model):
    """A judge model together with its prompt. Another prompt is another version, with verdicts of its own."""

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
    """Verdicts of one judge that belong together and were imported from files, whose format is `origin`.

    A file may number its runs. Runs of one judge with the same number in files of one format are the same run: a file
    that is imported again finds the verdicts that it brought.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs", db_index=False)
    number = models.PositiveIntegerField()
    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="runs", db_index=False)
    origin = models.CharField(max_length=30)
    run_in_file = models.PositiveIntegerField(null=True, blank=True, help_text="The number of the run in its file.")
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
    def oldest_run_first(self, *fields: str) -> Self:
        """Order by the judge's version, then by the run's number in its file, runs without a number first.

        Both are exported with the row. The project's own number, which is the order in which runs were imported, only
        breaks ties. The order determines the newest of one judge's runs; it does not compare different judges.
        """
        in_file = F("run__run_in_file").asc(nulls_first=True)
        return self.order_by("run__judge__version", in_file, "run__number", *fields)


class StepVerdict(models.Model):
    """A judge's rating of one step. A step that the judge did not rate has no row."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="verdicts")
    rating = models.SmallIntegerField()
    confidence = models.FloatField(null=True, blank=True, help_text="How certain the judge is, 0 to 1.")
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
