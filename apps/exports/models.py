"""Exports: immutable files made by a label policy."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import User
from apps.core.jobs.model import Job
from apps.projects.models import Project


class Export(Job):
    """One export. `parts` lists its files: name, rows, bytes, SHA-256. `done` counts solutions read."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="exports")
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    format = models.CharField(max_length=30)
    container = models.CharField(max_length=12, default="jsonl")
    policy = models.JSONField(default=dict, blank=True)
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    manifest = models.JSONField(null=True, blank=True)
    parts = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.format} export {self.pk} of {self.project}"
