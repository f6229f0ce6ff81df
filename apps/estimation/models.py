"""What rollouts say of steps: runs, what is stored of each request, and what follows for steps and solutions."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Q, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs import Job
from apps.corpus.labels import UNKNOWN, hard_label
from apps.corpus.models import Problem, Solution, Step
from apps.inference.models import Endpoint
from apps.projects.models import Project


class EstimationRun(Job):
    """Monte Carlo labels that belong together; `done` of `total` are solutions.

    Parameters are frozen at the start. A run that came with a file has an `origin` (the file's format) and no
    endpoint. Counters are written in the transactions that store what they count.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="estimation_runs")
    number = models.PositiveIntegerField()
    strategy = models.CharField(max_length=30)
    completer = models.TextField(blank=True, default="", help_text="The model that continued the prefixes.")
    origin = models.CharField(max_length=30, blank=True, default="")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    options = models.JSONField(default=dict, blank=True, help_text="The strategy's settings.")
    sampling = models.JSONField(default=dict, blank=True, help_text="How rollouts are sampled.")
    prompt = models.JSONField(default=dict, blank=True, help_text="How a prefix is put to the model.")
    selection = models.JSONField(default=dict, blank=True, help_text="Which solutions.")
    budget = models.JSONField(default=dict, blank=True, help_text="Pauses the run when reached.")
    versions = models.JSONField(default=dict, blank=True, help_text="Of Annotate and of the verifiers.")
    seed = models.BigIntegerField(default=0)
    answers_suffice = models.BooleanField(
        default=False, help_text="A right final answer stands for all steps, without rollouts."
    )
    keeps_rollouts = models.BooleanField(default=False, help_text="Texts of rollouts are kept.")
    price_in = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    price_out = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)

    first_solution = models.BigIntegerField(default=0, help_text="Claimed up to here; the next shard begins after it.")
    last_solution = models.BigIntegerField(default=0, help_text="The newest solution when the run was made.")
    failed = models.BigIntegerField(default=0, help_text="Solutions without a result, each with its reason.")
    by_answer = models.BigIntegerField(default=0, help_text="Solutions taken as good for their right answer.")
    steps = models.BigIntegerField(default=0)
    rollouts = models.BigIntegerField(default=0, help_text="Counted ones.")
    missing = models.BigIntegerField(default=0, help_text="Rollouts that were cut, unreadable or not answered.")
    requests = models.BigIntegerField(default=0, help_text="HTTP requests, repeated ones included.")
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    tokens_are_estimated = models.BooleanField(default=False)
    notices = models.JSONField(
        default=list, blank=True, help_text="What its endpoint does not take, and what is missing."
    )
    worked_s = models.FloatField(default=0, help_text="Seconds at work before the present stretch, pauses left out.")
    resumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_estimation_run_per_number")]

    def __str__(self) -> str:
        return f"{self.strategy}, run {self.number}"

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def seconds(self) -> float | None:
        """How long it has been at work, in seconds: pauses do not count."""
        if self.started_at is None:
            return None
        if self.resumed_at is None:
            return self.worked_s
        return self.worked_s + ((self.finished_at or timezone.now()) - self.resumed_at).total_seconds()

    @property
    def rollouts_per_s(self) -> float | None:
        """So far, while it was at work."""
        seconds = self.seconds
        return self.rollouts / seconds if seconds and self.rollouts else None

    @property
    def cost(self) -> float | None:
        """In the currency of the endpoint's prices; None where it has none."""
        if self.price_in is None and self.price_out is None:
            return None
        return float((self.price_in or 0) * self.prompt_tokens + (self.price_out or 0) * self.completion_tokens) / 1e6


class ShardQuerySet(models.QuerySet["Shard"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Shard(models.Model):
    """Some solutions of a run, in one worker's hands until its lease ends."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="shards", db_index=False)
    after = models.BigIntegerField(help_text="The solutions of the run with numbers above this")
    upto = models.BigIntegerField(help_text="and up to this.")
    holder = models.CharField(max_length=60, blank=True, default="")
    leased_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ShardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "after"], name="one_shard_per_place")]
        indexes = [
            models.Index(fields=["run", "leased_until"], condition=Q(finished_at=None), name="shard_unfinished"),
        ]

    def __str__(self) -> str:
        return f"solutions {self.after} to {self.upto} of {self.run_id}"


class StepEstimateQuerySet(models.QuerySet["StepEstimate"]):
    def with_label(self) -> Self:
        """Adds `is_good`: `corpus.labels.hard_label` in SQL. True for GREAT, false for BAD, null for UNKNOWN."""
        by_counts = Case(
            When(rollouts__gt=0, then=ExpressionWrapper(Q(successes__gt=0), output_field=models.BooleanField())),
            output_field=models.BooleanField(),
        )
        return self.annotate(is_good=Coalesce("hard", by_counts))


class StepEstimate(models.Model):
    """Successes out of rollouts for the prefix that ends with this step.

    Published Math-Shepherd files hold hard labels without counts: then `hard` stands alone.
    """

    class How(models.TextChoices):
        ROLLOUTS = "rollouts", "rollouts"
        ANSWER = "answer", "its own answer"
        INFERRED = "inferred", "rollouts of other steps"
        FILE = "file", "came with a file"

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="estimates", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="estimates")
    rollouts = models.PositiveIntegerField(null=True, blank=True)
    successes = models.PositiveIntegerField(null=True, blank=True)
    missing = models.PositiveIntegerField(default=0)
    hard = models.BooleanField(null=True, blank=True)
    how = models.CharField(max_length=8, choices=How, default=How.FILE)
    tokens = models.BigIntegerField(default=0, help_text="Written in its rollouts.")

    objects = StepEstimateQuerySet.as_manager()

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

    @property
    def is_against_counts(self) -> bool:
        """The run concludes otherwise than this step's rollouts alone: a search goes by all steps of the solution."""
        by_counts = hard_label(self.rollouts, self.successes)
        return self.hard is not None and by_counts not in (UNKNOWN, hard_label(None, None, hard=self.hard))


class SolutionEstimate(models.Model):
    """What a run says of a whole solution, or why it says nothing."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="solutions", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="estimates")
    failure = models.TextField(blank=True, default="", help_text="Why there is no result; empty where there is one.")
    note = models.TextField(blank=True, default="", help_text="What is missing, and why.")
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: none; empty: cannot be told.")
    probability = models.FloatField(null=True, blank=True, help_text="How sure the strategy is of it.")
    by_answer = models.BooleanField(default=False)
    rollouts = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "solution"], name="one_estimate_per_run_and_solution"),
            models.CheckConstraint(condition=Q(first_error__gte=-1), name="first_error_is_a_position"),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gte=0, probability__lte=1),
                name="probability_is_one",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "id"], condition=~Q(failure=""), name="solution_estimate_failed"),
            models.Index(fields=["run", "probability"], name="solution_estimate_unsure"),
        ]

    def __str__(self) -> str:
        return f"first error {self.first_error} in solution {self.solution_id}"


class RolloutBatch(models.Model):
    """What one request gave: one letter per rollout (`outcomes.Outcome`). Rollouts of a step are numbered on."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="batches", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="+")
    ordinal = models.PositiveIntegerField(help_text="The number of its first rollout at this step, from 0.")
    outcomes = models.CharField(max_length=4096)
    tokens = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, default="", help_text="Why rollouts are missing, where the endpoint said it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "step", "ordinal"], name="one_batch_per_ordinal")]

    def __str__(self) -> str:
        return f"{self.outcomes} at step {self.step_id}"


class Rollout(models.Model):
    """A rollout's text, where the run keeps them."""

    batch = models.ForeignKey(RolloutBatch, on_delete=models.CASCADE, related_name="rollouts", db_index=False)
    index = models.PositiveIntegerField()
    text = models.TextField()
    answer = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=1)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["batch", "index"], name="one_rollout_per_place")]

    def __str__(self) -> str:
        return self.text[:60]


class SamplingRun(Job):
    """New solutions from a generator: `per_problem` for each problem; `done` of `total` are problems."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sampling_runs")
    number = models.PositiveIntegerField()
    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    generator = models.TextField(help_text="The model that wrote them: the solutions' source.")
    per_problem = models.PositiveIntegerField(default=4)
    sampling = models.JSONField(default=dict, blank=True)
    prompt = models.JSONField(default=dict, blank=True)
    split = models.CharField(max_length=20, default="newline", help_text="How a text becomes steps.")
    seed = models.BigIntegerField(default=0)
    solutions = models.BigIntegerField(default=0, help_text="New ones.")
    right = models.BigIntegerField(default=0, help_text="Of the new ones, with a right answer.")
    wrong = models.BigIntegerField(default=0, help_text="Of the new ones, with a wrong answer.")
    duplicates = models.BigIntegerField(default=0, help_text="The same as one that stood already.")
    cut = models.BigIntegerField(default=0, help_text="Ended by the token limit, and left out.")
    requests = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0, help_text="Of `tokens`; 0 in runs that did not tell them apart.")
    notices = models.JSONField(default=list, blank=True, help_text="What its endpoint does not take.")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_sampling_run_per_number")]

    def __str__(self) -> str:
        return f"sampling, run {self.number}"

    @property
    def ungraded(self) -> int:
        """New solutions whose answer nobody can say to be right or wrong."""
        return self.solutions - self.right - self.wrong


class SampledProblem(models.Model):
    """A problem that a sampling run is done with."""

    run = models.ForeignKey(SamplingRun, on_delete=models.CASCADE, related_name="problems", db_index=False)
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="+")
    failure = models.TextField(blank=True, default="", help_text="Why there is less than was asked for.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "problem"], name="one_result_per_sampled_problem")]

    def __str__(self) -> str:
        return f"problem {self.problem_id} of {self.run_id}"
