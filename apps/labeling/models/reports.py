"""Reports that a problem is bad: the assignment makes one, a reviewer may dismiss it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models.assignments import Assignment


class ReportDismissal(models.Model):
    """A reviewer found nothing wrong with the problem that an assignment reports, and says why."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="dismissal")
    versions = models.PositiveSmallIntegerField(
        help_text="Of the assignment when it was dismissed: a later one is new."
    )
    reason = models.TextField()
    dismissed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    dismissed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"dismissal of the report in assignment {self.assignment_id}"
