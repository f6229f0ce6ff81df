"""Blind samples that people label without any verdict, and the certificates that judges earn on them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.judging.models import Judge
from apps.labeling.models import Round
from apps.projects.models import Project


class BlindSample(models.Model):
    """A random sample of a project's solutions, drawn without replacement; its round shows people no verdict."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="blind_samples")
    round = models.OneToOneField(
        Round, null=True, blank=True, on_delete=models.CASCADE, related_name="blind_sample", help_text="Of its labels."
    )
    seed = models.BigIntegerField()
    pool = models.PositiveIntegerField(help_text="Solutions that it was drawn from.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"blind sample of {self.round}" if self.round else f"blind sample {self.pk}"


class BlindPool(models.Model):
    """The solutions that a blind sample was drawn from, frozen. Apart from the sample, for it may hold 100,000 numbers."""

    sample = models.OneToOneField(BlindSample, on_delete=models.CASCADE, primary_key=True, related_name="frozen_pool")
    ids = ArrayField(models.BigIntegerField(), help_text="Of solutions, ascending; some may be gone.")

    def __str__(self) -> str:
        return f"pool of {self.sample_id}"


class SampledSolution(models.Model):
    """A solution of a blind sample. `first_error` is the truth that a decision rested on; none if people had settled none."""

    sample = models.ForeignKey(BlindSample, on_delete=models.CASCADE, related_name="solutions", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+")
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: no error.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sample", "solution"], name="one_sampled_solution")]

    def __str__(self) -> str:
        return f"solution {self.solution_id} of {self.sample_id}"


class JudgeCertificate(models.Model):
    """The decision whether a judge, in one version, is certified by one blind round. Decisions are kept."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_certificates")
    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="certificates")
    sample = models.ForeignKey(BlindSample, on_delete=models.CASCADE, related_name="certificates")
    is_granted = models.BooleanField()
    bar = models.FloatField(help_text="What the lower bounds of both rates must reach.")
    solutions = models.PositiveIntegerField(help_text="Judged solutions of the round with a settled label.")
    true_positive = models.FloatField(null=True, blank=True)
    true_positive_low = models.FloatField(help_text="Lower bound of its 95 % interval.")
    true_negative = models.FloatField(null=True, blank=True)
    true_negative_low = models.FloatField(help_text="Lower bound of its 95 % interval.")
    reasons = models.JSONField(default=list, blank=True, help_text="Why it is refused.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["judge", "sample"], name="one_certificate_per_judge_and_sample"),
            models.CheckConstraint(condition=Q(bar__gt=0, bar__lt=1), name="certificate_bar_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {'certified' if self.is_granted else 'refused'} by {self.sample}"
