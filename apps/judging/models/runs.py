"""Judge runs, the shards in which workers claim their items, and the comparisons of a run."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Case, F, OrderBy, Q, When

from apps.corpus.models import Comparison, ImportBatch
from apps.judging.models.judges import Judge
from apps.projects.models import Project
from apps.runs.models import RunShard, ShardedRun


def number_in_row(prefix: str = "") -> Case:
    """The number that a run has in an exported row: an imported run keeps that of its file. `prefix` leads to the run."""
    return Case(When(**{f"{prefix}origin": ""}, then=F(f"{prefix}number")), default=F(f"{prefix}run_in_file"))


def oldest_run_first(prefix: str = "") -> tuple[OrderBy | str, ...]:
    """The order of a judge's runs: by its version, then by the run's number in its row, runs without a number first.

    Both are exported with the row: of an imported run the number in its file, of our own runs their number. The
    project's own number only breaks ties. The order determines the newest of one judge's runs; it does not compare
    different judges. `prefix` leads to the run.
    """
    number = number_in_row(prefix).asc(nulls_first=True)
    return f"{prefix}judge__version", number, f"{prefix}number"


def run_order(version: int, number_in_row: int | None, number: int) -> tuple[int, int, int]:
    """The order of `oldest_run_first` for runs of one judge in Python."""
    return version, -1 if number_in_row is None else number_in_row, number


class JudgeRun(ShardedRun):
    """Verdicts of one judge that belong together: of a run of ours, or imported from files, whose format is `origin`.

    A file may number its runs. Runs of one judge with the same number in files of one format are the same run: a file
    that is imported again finds the verdicts that it brought.

    Each processed item is counted as a verdict, a refusal or unreadable. Undecided verdicts are inconsistent, or their
    votes are tied.
    """

    task = "apps.judging.tasks.work_on_run"
    verb = "judging"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs", db_index=False)
    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="runs", db_index=False)
    run_in_file = models.PositiveIntegerField(null=True, blank=True, help_text="The number of the run in its file.")
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that brought its first verdict.",
    )
    seed = models.BigIntegerField(default=0)
    verdicts = models.BigIntegerField(default=0, help_text="Items with a readable verdict.")
    undecided = models.BigIntegerField(default=0, help_text="Verdicts that are inconsistent or tied: never used.")
    refusals = models.BigIntegerField(default=0, help_text="Items that the judge refused to judge.")
    unreadable = models.BigIntegerField(default=0, help_text="Items without a readable reply after all attempts.")
    new_solutions = models.BigIntegerField(default=0, help_text="Revised solutions that are new.")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_judge_run_per_number"),
            models.UniqueConstraint(
                fields=["judge", "origin", "run_in_file"],
                name="one_judge_run_per_number_in_files",
                condition=~Q(origin=""),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}, run {self.number}"

    @property
    def order(self) -> tuple[int, int, int]:
        """The newest of one judge's runs has the highest."""
        return run_order(self.judge.version, self.run_in_file if self.origin else self.number, self.number)

    def changed_model_reason(self) -> str | None:
        return self.judge.changed_model_reason(self.endpoint) if self.endpoint is not None else None

    def items(self) -> models.QuerySet[Any]:
        """Comparisons that were chosen at the start, or the selected solutions."""
        return Comparison.objects.filter(judged_in__run=self) if self.judge.compares else super().items()


class JudgeShard(RunShard):
    """A range of a judge run's items."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="shards", db_index=False)


class RunComparison(models.Model):
    """A comparison that a run is to judge."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="judged_in")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "comparison"], name="one_judged_comparison_per_run"),
        ]

    def __str__(self) -> str:
        return f"comparison {self.comparison_id} in run {self.run_id}"
