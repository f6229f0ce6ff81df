"""Exports: immutable files made by a label policy; saved policies; differences; pushes to a Hub; lists of test problems."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import ENDED, Job
from apps.core.statistics import Proportion
from apps.labeling.models import Round
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
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.format} export {self.pk} of {self.project}"


class ReleaseAudit(models.Model):
    """A part of an export that is labeled again, blindly, before the export may leave.

    `sample` holds the exported first error by solution id: a position, or -1 for none. The round has a task for each.
    """

    class Status(models.TextChoices):
        OPEN = "open", "under way"
        PASSED = "passed", "passed"
        BLOCKED = "blocked", "blocked"
        WITHDRAWN = "withdrawn", "withdrawn"

    export = models.OneToOneField(Export, on_delete=models.CASCADE, related_name="audit")
    round = models.OneToOneField(Round, null=True, on_delete=models.SET_NULL, related_name="audit")
    share = models.FloatField(help_text="Share of the export's solutions that is drawn, above 0 and up to 1.")
    gate = models.FloatField(help_text="Share of first errors that must agree, above 0 and up to 1.")
    sample = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    compared = models.PositiveIntegerField(default=0, help_text="Solutions that were labeled again.")
    agreed = models.PositiveIntegerField(default=0, help_text="Of these, those with the exported first error.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="audit_share_is_a_share"),
            models.CheckConstraint(condition=Q(gate__gt=0, gate__lte=1), name="audit_gate_is_a_share"),
            models.CheckConstraint(condition=Q(agreed__lte=F("compared")), name="agreed_within_compared"),
        ]

    def __str__(self) -> str:
        return f"audit of export {self.export_id}: {self.get_status_display()}"

    @property
    def agreement(self) -> Proportion:
        return Proportion(self.agreed, self.compared)


class ExportPart(models.Model):
    """A range of problems that one worker writes; a finished part is not written again.

    `files` are its files: split, rows, bytes, SHA-256. `tally` has its counts. Both are set when it is finished.
    """

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="ranges", db_index=False)
    number = models.PositiveIntegerField()
    first_problem = models.BigIntegerField()
    last_problem = models.BigIntegerField()
    size = models.BigIntegerField(help_text="Solutions and comparisons.")
    done = models.BigIntegerField(default=0, help_text="Solutions and comparisons read.")
    finished_at = models.DateTimeField(null=True, blank=True)
    files = models.JSONField(default=list, blank=True)
    tally = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="one_export_part_per_number")]

    def __str__(self) -> str:
        return f"part {self.number} of export {self.export_id}"


class SavedPolicy(models.Model):
    """A label policy under a name, with the format that it was made for. Exports keep the policy itself, not its name."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_policies", db_index=False)
    name = models.CharField(max_length=60)
    format = models.CharField(max_length=30)
    policy = models.JSONField(default=dict, blank=True)
    saved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "saved policies"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_saved_policy_per_name")]

    def __str__(self) -> str:
        return self.name


class ExportDiff(Job):
    """What differs from one export to another. `result` is as `diff.Diff`, with the differences of the manifests."""

    before = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="+", db_index=False)
    after = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="+")
    result = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["before", "after"], name="one_diff_per_pair_of_exports")]

    def __str__(self) -> str:
        return f"from export {self.before_id} to export {self.after_id}"


class HubPush(Job):
    """The upload of an export to a dataset repository of a Hub. `done` and `total` count bytes.

    The token is encrypted, and only there until the push ends.
    """

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="pushes")
    repository = models.CharField(max_length=96)
    is_private = models.BooleanField(default=True)
    encrypted_token = models.TextField(blank=True, default="")
    commit = models.CharField(max_length=64, blank=True, default="")
    url = models.CharField(max_length=500, blank=True, default="", help_text="Of the commit on the Hub.")
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = "push to a Hub"
        verbose_name_plural = "pushes to a Hub"
        constraints = [
            models.CheckConstraint(
                condition=~Q(status__in=ENDED) | Q(encrypted_token=""), name="ended_push_has_no_token"
            ),
        ]

    def __str__(self) -> str:
        return f"push of export {self.export_id} to {self.repository}"


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
