"""Imports of files, the files that wait for one, and what an import found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import Job
from apps.projects.models import Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


# The purpose of the lock that the one who works on an import holds: the key is that of the batch. "import" itself is the
# purpose of the projects' locks, and a batch and a project may have the same number.
IMPORT_LOCK = "import batch"


def upload_path(holder: ImportBatch | Upload, filename: str) -> str:
    return f"imports/{holder.project.slug}/{timezone.now():%Y%m%d-%H%M%S}-{filename[-80:]}"


class Upload(models.Model):
    """A file that waits for its format and options. Its import takes it over."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    uploaded_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    file = models.FileField(upload_to=upload_path, max_length=300)
    filename = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.filename


class ImportBatch(Job):
    """The import of one file. `done` counts bytes read of `total`; a rerun continues after `line`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    file = models.FileField(upload_to=upload_path, max_length=300)
    filename = models.CharField(max_length=255)
    format = models.CharField(max_length=30)
    options = models.JSONField(default=dict, blank=True, help_text="Column mapping and step splitting.")
    line = models.BigIntegerField(default=0, help_text="The last line that is stored.")
    rows = models.BigIntegerField(default=0)
    problems = models.BigIntegerField(default=0)
    solutions = models.BigIntegerField(default=0)
    steps = models.BigIntegerField(default=0)
    labels = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    skipped_existing = models.BigIntegerField(default=0)
    differences = models.BigIntegerField(default=0)
    grading_seconds = models.FloatField(default=0)
    ignored = models.JSONField(
        default=dict, blank=True, help_text="Parts of rows that are not stored, with the number of rows that have them."
    )

    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    if TYPE_CHECKING:
        findings: RelatedManager[ImportFinding]

    class Meta:
        verbose_name = "import"
        verbose_name_plural = "imports"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.filename} into {self.project}"


class ImportFinding(models.Model):
    """A finding about one line: why it was rejected, or how the verifier differs from the file."""

    class Kind(models.TextChoices):
        REJECTED = "rejected", "rejected"
        DIFFERENCE = "difference", "differs from our verifier"

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="findings", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    line = models.BigIntegerField()
    field = models.TextField(blank=True, default="")
    reason = models.TextField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["batch", "kind", "id"], name="finding_by_batch")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.reason}"
