"""What gold also accepts, how labelers do on gold, and who is suspended."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project


class AlsoAcceptable(models.Model):
    """First errors that gold accepts in addition to its own: reasonable people may differ."""

    solution = models.OneToOneField(
        Solution, on_delete=models.CASCADE, primary_key=True, related_name="also_acceptable"
    )
    first_errors = ArrayField(models.IntegerField(), default=list, help_text="Positions; -1: no error.")

    class Meta:
        verbose_name_plural = "also acceptable"

    def __str__(self) -> str:
        return f"{self.first_errors} in solution {self.solution_id}"


class GoldMark(models.Model):
    """How one assignment did on gold. `exact` and `within_one` are empty where gold names no first error."""

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
    """The suspension of a member: reason, start, the user who suspended them (empty: by gold), and when it was lifted."""

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
