"""Submissions that took less time than reading what they are about."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import User
from apps.labeling.models import Assignment
from apps.projects.models import Project


class FastMark(models.Model):
    """A submission whose active time is below the floor: what reading the text that it rates can take."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, primary_key=True, related_name="fast_mark")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    active_ms = models.BigIntegerField(help_text="Of the first submission.")
    floor_ms = models.BigIntegerField(
        help_text="The time in which its text can be read at the project's reading speed."
    )

    class Meta:
        indexes = [models.Index(fields=["project", "labeler"], name="fast_mark_by_labeler")]

    def __str__(self) -> str:
        return f"{self.active_ms} ms of {self.floor_ms} in assignment {self.assignment_id}"
