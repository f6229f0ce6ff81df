"""Scoring runs, in which a reward model scores the steps of solutions, and the scores."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.corpus.models import Solution, Step
from apps.inference.models import Endpoint
from apps.inference.scorers import SCORERS
from apps.projects.models import Project
from apps.runs.models import RunShard, ShardedRun
from apps.scoring.reducers import REDUCER_TITLES, Reducer

KIND_CHOICES = [(scorer.name, scorer.title) for scorer in SCORERS.values()]
REDUCER_CHOICES = [(reducer.value, title) for reducer, title in REDUCER_TITLES.items()]


class RewardModel(models.Model):
    """The reward model that a project uses unless another is named: an endpoint, and how steps are sent to it."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="reward_model")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=KIND_CHOICES)
    options = models.JSONField(default=dict, blank=True, help_text="Settings of the kind.")
    prompt = models.JSONField(default=dict, blank=True, help_text="How problem and steps become a text.")

    def __str__(self) -> str:
        return f"{self.endpoint} ({self.kind})"


class ScoringRun(ShardedRun):
    """Scores of steps by one reward model. `missing` counts steps without a score.

    When a run ends, its solutions get a `verifier_score`: the reducer's value of the scores on their paths. The
    `verifier_score` of a file is kept unless the run replaces them (`replaces_imported`).
    """

    task = "apps.scoring.tasks.work_on_run"
    verb = "scoring"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scoring_runs")
    kind = models.CharField(
        max_length=20, choices=KIND_CHOICES, blank=True, default="", help_text="Empty for an imported run."
    )
    model = models.TextField(help_text="The model that scores, or the scorer's name in a file.")
    run_in_file = models.PositiveIntegerField(null=True, blank=True, help_text="The number of the run in its file.")
    reducer = models.CharField(
        max_length=10,
        choices=REDUCER_CHOICES,
        default=Reducer.PRODUCT,
    )
    replaces_imported = models.BooleanField(
        default=False, help_text="Whether scores that came with a file are replaced."
    )
    applied_at = models.DateTimeField(
        null=True, blank=True, help_text="When the scores of solutions were stored, after the run's end."
    )

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_scoring_run_per_number"),
            models.UniqueConstraint(
                fields=["project", "origin", "model", "run_in_file"],
                name="one_scoring_run_per_number_in_files",
                condition=~Q(origin=""),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"scores of {self.model}, run {self.number}"


class ScoringShard(RunShard):
    """A range of a scoring run's solutions."""

    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="shards", db_index=False)


class StepScore(models.Model):
    """A reward model's score of one step in one run. A step that was not scored has no row."""

    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="step_scores", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="scores")
    score = models.FloatField(help_text="How likely the step is right, from 0 to 1.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_score_per_run_and_step"),
            # NaN sorts above every number in PostgreSQL, so it is refused too.
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="step_score_from_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.score:g} at step {self.step_id}"


class SolutionScore(models.Model):
    """A run's result for a solution: the reducer's value, or why there is none."""

    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="solutions", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="scores")
    score = models.FloatField(null=True, blank=True, help_text="Empty where a step that the reducer needs has none.")
    missing = models.PositiveIntegerField(default=0, help_text="Steps without a score.")
    failure = models.TextField(blank=True, default="", help_text="Why steps have no score; empty if all have one.")
    is_applied = models.BooleanField(default=False, help_text="Whether it became the solution's `verifier_score`.")
    replaced = models.FloatField(null=True, blank=True, help_text="The `verifier_score` that it replaced.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "solution"], name="one_score_per_run_and_solution"),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=1), name="solution_score_from_0_to_1"
            ),
        ]
        indexes = [models.Index(fields=["run", "id"], condition=~Q(failure=""), name="solution_score_failed")]

    def __str__(self) -> str:
        return f"{self.score} for solution {self.solution_id}"
