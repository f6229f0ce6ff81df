"""Reviewers' decisions on assignments."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment


class Review(models.Model):
    """A reviewer's decision on an assignment. The newest counts."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        RETURNED = "returned", "returned to the labeler"
        CORRECTED = "corrected", "corrected by the reviewer"

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(max_length=9, choices=Decision)
    note = models.TextField(blank=True, default="")
    reviewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    submission = models.JSONField(null=True, blank=True, help_text="Of a correction: the reviewer's submission.")
    self_reviewed = models.BooleanField(
        db_default=False, help_text="The reviewer had labeled the solution, and the project allows it."
    )

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.decision} by {self.reviewer}"
