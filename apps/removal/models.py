"""Deletions: of a project, an import, or anything else that takes longer than a request."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.jobs.model import Job, JobStatus
from apps.projects.models import Project


class Deletion(Job):
    """What is being deleted, by the name of its kind and its id. `done` and `total` count solutions and problems.

    It outlives what it deletes. `project` is the project in which that lies, empty once it is gone itself.
    """

    kind = models.CharField(max_length=20)
    target = models.BigIntegerField(help_text="Its id.")
    title = models.CharField(max_length=300)
    slug = models.CharField(max_length=64, help_text="Of the project.")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    requested_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="deletions")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "target"],
                name="one_deletion_at_a_time",
                condition=Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING]),
            ),
        ]

    def __str__(self) -> str:
        return f"deletion of {self.title}"
