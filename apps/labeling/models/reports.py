"""Dismissals of reports that a problem is bad. The report itself is an assignment's finish reason."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models.assignments import Assignment


class ReportDismissal(models.Model):
    """A reviewer's finding, with a reason, that the problem which an assignment reports is not bad."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="dismissal")
    versions = models.PositiveSmallIntegerField(
        help_text="The assignment's `versions` when it was dismissed: a later version is a new report."
    )
    reason = models.TextField()
    dismissed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    dismissed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"dismissal of the report in assignment {self.assignment_id}"
