"""Which label stands, who is reliable, and what is disputed. All but `Review` and `Suspension` is computed from what
was said, by workers, and may be computed again at any time."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project


class How(models.TextChoices):
    """How a label came to stand."""

    ADJUDICATED = "adjudicated", "a reviewer's word"
    MAJORITY = "majority", "majority"
    PROCESSBENCH = "processbench", "ProcessBench's rule"
    DAWID_SKENE = "dawid-skene", "Dawid-Skene"


class QualityRules(models.Model):
    """How a project settles labels and watches over its labelers."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quality_rules", primary_key=True)
    rule = models.CharField(max_length=20, default="majority", help_text="Which label stands, of several.")
    options = models.JSONField(default=dict, blank=True, help_text="The rule's settings.")
    suspends = models.BooleanField(default=True, help_text="Who fails gold gets no more work until somebody lifts it.")
    pass_mark = models.FloatField(default=0.75, help_text="Share of gold tasks whose first error is found.")
    minimum = models.PositiveSmallIntegerField(default=5, help_text="Nobody is suspended before so many gold tasks.")
    min_labelers = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Labelers that a settled label needs; empty: as many as its round asks for."
    )
    convincing = models.FloatField(default=0.5, help_text="Verifier score from which a wrong answer convinces.")
    hourly_cost = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, help_text="Of a labeler's active hour, in your currency."
    )
    allows_self_review = models.BooleanField(
        db_default=False,
        default=False,
        help_text="Reviewers may judge solutions that they labeled; it is marked in the audit log and in exports.",
    )
    stale_all = models.BooleanField(default=False, help_text="Everything is to be computed again.")
    figures_are_stale = models.BooleanField(default=False, help_text="Labels were settled since they were computed.")
    computed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "quality rules"
        constraints = [
            models.CheckConstraint(condition=Q(pass_mark__gt=0, pass_mark__lt=1), name="gold_pass_mark_is_a_share"),
            models.CheckConstraint(condition=Q(minimum__gte=1), name="some_gold_before_a_suspension"),
            models.CheckConstraint(condition=Q(min_labelers__gte=1), name="min_labelers_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} in {self.project}"


class StaleQuerySet(models.QuerySet["Stale"]):
    def mark(self, project_id: int, solution_ids: list[int]) -> None:
        """These are to be computed again."""
        self.bulk_create(Stale(project_id=project_id, solution_id=pk) for pk in dict.fromkeys(solution_ids))


class Stale(models.Model):
    """Something was said of a solution, and no worker has looked at it since.

    A row for each time and none is ever changed: who submits must not wait for a worker that is at it.
    """

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    objects = StaleQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stale"

    def __str__(self) -> str:
        return f"solution {self.solution_id}"


class NotedRun(models.Model):
    """An estimation run whose results quality has taken note of."""

    run = models.OneToOneField(EstimationRun, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.run)


class ConsensusQuerySet(models.QuerySet["Consensus"]):
    def settled(self) -> Self:
        return self.filter(state=Consensus.State.SETTLED)


class Consensus(models.Model):
    """Which first error stands for a solution, how it was reached, and how sure that is."""

    class State(models.TextChoices):
        SETTLED = "settled", "settled"
        THIN = "thin", "fewer people than asked for"
        TIED = "tied", "tie"
        OPEN = "open", "needs more labels"
        DISCARDED = "discarded", "given up: no agreement"

    solution = models.OneToOneField(Solution, on_delete=models.CASCADE, primary_key=True, related_name="consensus")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=State)
    how = models.CharField(max_length=12, choices=How)
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: none; empty: cannot be told.")
    certainty = models.FloatField(default=0)
    people = models.PositiveIntegerField(default=0, help_text="Labelers whose counted ratings it rests on.")
    required = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Labelers that a settled label needs: fewer, and it is thin."
    )
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.TextField(blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    objects = ConsensusQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "consensus"
        constraints = [
            models.CheckConstraint(condition=Q(first_error__gte=-1), name="consensus_first_error_is_a_position"),
            models.CheckConstraint(condition=Q(certainty__range=(0, 1)), name="consensus_certainty_is_a_share"),
        ]
        indexes = [
            models.Index(fields=["project", "state", "solution"], name="consensus_by_state"),
            # What reviewers settled: few among many, and a queue of its own.
            models.Index(fields=["project", "solution"], name="consensus_by_word", condition=Q(how="adjudicated")),
        ]

    def __str__(self) -> str:
        return f"first error {self.first_error} in solution {self.solution_id}"


class StepConsensus(models.Model):
    """The rating that stands for a step. A step that nobody judged has none."""

    step = models.OneToOneField(Step, on_delete=models.CASCADE, primary_key=True, related_name="consensus")
    rating = models.SmallIntegerField()
    certainty = models.FloatField(default=0)
    how = models.CharField(max_length=12, choices=How)
    people = models.PositiveIntegerField(default=0, db_default=0, help_text="Labelers with a counted rating of it.")
    is_thin = models.BooleanField(default=False, db_default=False, help_text="Rests on too few of those asked.")
    self_reviewed = models.BooleanField(
        db_default=False, help_text="Adjudicated by a reviewer who had labeled the solution, as the project allows."
    )

    class Meta:
        verbose_name_plural = "step consensus"
        constraints = [
            models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="consensus_rating_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"


class OpenDispute(models.Model):
    """A kind of dispute that a solution is in, until it is settled. Kinds: `disputes.Dispute`."""

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="disputes", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["solution", "kind"], name="one_dispute_per_solution_and_kind")]
        indexes = [models.Index(fields=["project", "kind", "solution"], name="dispute_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} in solution {self.solution_id}"


class DisputeCount(models.Model):
    """How many solutions of a project are in a kind of dispute: kept with the disputes, so that nobody counts them."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="one_count_per_project_and_kind")]

    def __str__(self) -> str:
        return f"{self.count} of {self.kind}"


class AlsoAcceptable(models.Model):
    """First errors that gold takes for right beside its own: reasonable people may differ."""

    solution = models.OneToOneField(
        Solution, on_delete=models.CASCADE, primary_key=True, related_name="also_acceptable"
    )
    first_errors = ArrayField(models.IntegerField(), default=list, help_text="Positions; -1: no error.")

    class Meta:
        verbose_name_plural = "also acceptable"

    def __str__(self) -> str:
        return f"{self.first_errors} in solution {self.solution_id}"


class GoldMark(models.Model):
    """How one turn did against gold. `exact` and `within_one` are empty where gold names no first error."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, primary_key=True, related_name="gold_mark")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="+")
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    exact = models.BooleanField(null=True, blank=True)
    within_one = models.BooleanField(null=True, blank=True)
    steps_right = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["project", "labeler", "at"], name="gold_mark_by_labeler")]

    def __str__(self) -> str:
        return f"{self.exact} in assignment {self.assignment_id}"


class Suspension(models.Model):
    """Why a member gets no work, since when, by whom (nobody: by gold), and whether it was lifted."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="suspensions")
    reason = models.TextField()
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["membership"], name="one_suspension_at_a_time", condition=Q(lifted_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership}: {self.reason}"


class Review(models.Model):
    """A reviewer's word on a turn. The newest counts."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        RETURNED = "returned", "returned to the labeler"
        CORRECTED = "corrected", "corrected by the reviewer"

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(max_length=9, choices=Decision)
    note = models.TextField(blank=True, default="")
    reviewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    submission = models.JSONField(null=True, blank=True, help_text="Of a correction: what the reviewer says.")
    self_reviewed = models.BooleanField(
        db_default=False, help_text="The reviewer had labeled the solution, and the project allows it."
    )

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.decision} by {self.reviewer}"


class Figure(models.Model):
    """Numbers of a project's quality pages, kept up to date by workers. `scope` is a round's number, or empty."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=40, blank=True, default="")
    name = models.CharField(max_length=40)
    data = models.JSONField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "scope"], name="one_figure_per_name_and_scope")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.scope}".strip()
