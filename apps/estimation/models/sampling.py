"""Sampling runs, in which a generator writes new solutions."""

from __future__ import annotations

from django.db import models

from apps.corpus.models import Problem
from apps.projects.models import Project
from apps.runs.models import Run


class SamplingRun(Run):
    """A generator writes `per_problem` new solutions of each problem. `done` and `total` count problems."""

    task = "apps.estimation.tasks.work_on_sampling"
    verb = "sampling"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sampling_runs")
    generator = models.TextField(help_text="The model that writes the solutions; stored as their source.")
    per_problem = models.PositiveIntegerField(default=4)
    sampling = models.JSONField(default=dict, blank=True)
    prompt = models.JSONField(default=dict, blank=True)
    split = models.CharField(max_length=20, default="newline", help_text="How texts are split into steps.")
    seed = models.BigIntegerField(default=0)
    keeps_repeated = models.BooleanField(
        default=False, help_text="Store a repeated text as a solution of its own, as votes and best-of-N need."
    )
    solutions = models.BigIntegerField(default=0, help_text="New solutions.")
    right = models.BigIntegerField(default=0, help_text="New solutions with a right answer.")
    wrong = models.BigIntegerField(default=0, help_text="New solutions with a wrong answer.")
    duplicates = models.BigIntegerField(default=0, help_text="Solutions whose text existed already.")
    cut = models.BigIntegerField(default=0, help_text="Completions cut off by the token limit, and left out.")
    requests = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(
        default=0, help_text="Part of `tokens`; 0 if they were not counted separately."
    )

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_sampling_run_per_number")]

    def __str__(self) -> str:
        return f"sampling, run {self.number}"

    @property
    def ungraded(self) -> int:
        """New solutions whose answer could not be graded."""
        return self.solutions - self.right - self.wrong

    @property
    def cost(self) -> float | None:
        """By the prices that the endpoint has now; None without prices."""
        endpoint = self.endpoint
        if endpoint is None or not endpoint.has_prices:
            return None
        completion_tokens = self.tokens - self.prompt_tokens
        price_in, price_out = endpoint.price_in or 0, endpoint.price_out or 0
        return float(price_in * self.prompt_tokens + price_out * completion_tokens) / 1e6


class SampledProblem(models.Model):
    """A problem with a result in a sampling run."""

    run = models.ForeignKey(SamplingRun, on_delete=models.CASCADE, related_name="problems", db_index=False)
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="+")
    failure = models.TextField(blank=True, default="", help_text="Why there are fewer solutions than requested.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "problem"], name="one_result_per_sampled_problem")]

    def __str__(self) -> str:
        return f"problem {self.problem_id} of {self.run_id}"
