"""Named sets of filters of the task table."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.projects.models import Project


class SavedView(models.Model):
    """The filters and the order of a project's task table under a name, for their owner or for all managers."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views", db_index=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    filters = models.JSONField(default=dict, help_text="As in the URL of the table.")
    is_shared = models.BooleanField(default=False, help_text="All managers of the project see it.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "owner", "name"], name="one_saved_view_per_owner_and_name")
        ]

    def __str__(self) -> str:
        return self.name
