"""Judges and constitutions. Both are versioned: what was asked of a model never changes afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.inference.models import Endpoint
from apps.projects.models import Project

LONGEST_NAME = 200


class Constitution(models.Model):
    """Principles by which solutions are criticised, revised and compared. A changed text is a new version."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="constitutions", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    version = models.PositiveIntegerField(default=1)
    principles = models.JSONField(help_text="For each principle its name and what is asked by it.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "version"], name="one_constitution_per_name_and_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Judge(models.Model):
    """A judge model together with its prompt. Another prompt or setting is another version, with verdicts of its own.

    A judge of a file has a name and a version only: its `kind` is empty. A chorus has members in its `options` and no
    endpoint.
    """

    class Kind(models.TextChoices):
        STEPS = "steps", "steps"
        OUTCOME = "outcome", "outcome"
        COMPARISON = "comparison", "comparison"
        PRINCIPLE = "principle", "principle"
        CRITIQUE_REVISE = "critique-revise", "critique and revise"
        CHORUS = "chorus", "chorus"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judges", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=20, choices=Kind, blank=True, default="", help_text="Empty: of a file.")
    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    model = models.TextField(blank=True, default="", help_text="The model that the endpoint served.")
    prompt = models.JSONField(default=dict, blank=True, help_text="The whole prompt, with its name and version.")
    options = models.JSONField(default=dict, blank=True, help_text="Votes, temperature and the kind's own settings.")
    constitution = models.ForeignKey(
        Constitution, null=True, blank=True, on_delete=models.PROTECT, related_name="judges"
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="one_judge_per_name_and_version"),
            models.CheckConstraint(condition=~Q(name=""), name="judge_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_asked(self) -> bool:
        """Whether it can be asked: not one of a file, nor a chorus, nor one whose endpoint was removed."""
        return self.endpoint_id is not None

    @property
    def compares(self) -> bool:
        """Whether its items are comparisons; else they are solutions."""
        return self.kind in (self.Kind.COMPARISON, self.Kind.PRINCIPLE)

    def changed_model_reason(self, endpoint: Endpoint) -> str | None:
        """Why its endpoint cannot answer for this version: it has another model by now. None if it has the same."""
        if endpoint.model == self.model:
            return None
        return (
            f"{self} was saved with the model {self.model}, and the endpoint {endpoint.name} now has {endpoint.model}. "
            "Save the judge again: that makes its next version."
        )
