"""Exports, immutable files made by a label policy, and the lists of test problems that they are checked against."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

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


class ContaminationList(models.Model):
    """Test problems that must not be in training files, as hashes of their words. It never changes: a policy names it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="contamination_lists")
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, help_text="Of the file.")
    problems = models.PositiveIntegerField()
    hashes = models.BinaryField()
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="contamination_list_name")]

    def __str__(self) -> str:
        return self.name
