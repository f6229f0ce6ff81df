"""The stored numbers of the quality pages."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class Figure(models.Model):
    """Numbers of a project's quality pages, which workers keep up to date. `scope` is empty for the whole project."""

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
