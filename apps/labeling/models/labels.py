"""People's labels: step ratings, preferences, critiques, and gold."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.corpus.labels import GREAT, is_own_step
from apps.corpus.models import Step


class StepLabel(models.Model):
    """One labeler's rating of one candidate. Null rating: not judged, or unsure. No row: unreached."""

    id = models.BigAutoField(primary_key=True)
    assignment = models.ForeignKey(
        "labeling.Assignment", on_delete=models.CASCADE, related_name="step_labels", db_index=False
    )
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="labels")
    rating = models.SmallIntegerField(null=True, blank=True)
    unsure = models.BooleanField(null=True, blank=True, default=False)
    chosen = models.BooleanField(default=False)
    comment = models.TextField(blank=True, default="", db_default="", help_text="What the labeler remarks on the step.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "step"], name="one_label_per_assignment_and_step"),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__in=[-1, 0, 1]), name="step_rating_in_range"
            ),
        ]
        # Unsure labels are few among millions, and reviewers read them newest first.
        indexes = [
            models.Index(fields=["id"], name="unsure_label", condition=Q(unsure=True)),
            models.Index(fields=["assignment"], name="label_with_comment", condition=~Q(comment="")),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"

    @property
    def is_own_step(self) -> bool:
        """Whether its labeler wrote the step and chose it."""
        return is_own_step(self.rating, unsure=self.unsure, chosen=self.chosen, origin=self.step.origin)

    @property
    def counted_rating(self) -> int | None:
        """The rating that counts: a step that its labeler wrote and chose is great without one."""
        return GREAT if self.is_own_step else self.rating


class GoldLabel(models.Model):
    """A reviewed rating of a step, by which labelers are measured in every round that serves the step."""

    step = models.OneToOneField(Step, on_delete=models.CASCADE, related_name="gold")
    rating = models.SmallIntegerField()
    origin = models.CharField(
        max_length=30, blank=True, default="", help_text="Format of the file that it was imported from."
    )
    self_reviewed = models.BooleanField(
        db_default=False, help_text="Made by a reviewer who had labeled the solution, where the project allows that."
    )
    explanation = models.TextField(
        blank=True,
        db_default="",
        help_text="Why the step has this rating; a training round shows it after a submission.",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="gold_rating_in_range")]

    def __str__(self) -> str:
        return f"gold {self.rating} on step {self.step_id}"


class PreferenceLabel(models.Model):
    """Which side of a comparison is better. The sides are the comparison's own, whichever way they were shown."""

    class Choice(models.TextChoices):
        LEFT = "left", "left"
        RIGHT = "right", "right"
        TIE = "tie", "neither"

    class Margin(models.TextChoices):
        """How much better: the scale of Llama 2 (arXiv 2307.09288, 3.2.1)."""

        SIGNIFICANTLY = "significantly", "significantly better"
        CLEARLY = "clearly", "better"
        SLIGHTLY = "slightly", "slightly better"
        NEGLIGIBLY = "negligibly", "negligibly better, or unsure"

    assignment = models.OneToOneField("labeling.Assignment", on_delete=models.CASCADE, related_name="preference")
    choice = models.CharField(max_length=5, choices=Choice)
    margin = models.CharField(max_length=13, choices=Margin, blank=True, default="")
    rationale = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(choice__in=["left", "right", "tie"]), name="choice_is_known"),
            models.CheckConstraint(condition=~Q(choice="tie") | Q(margin=""), name="a_tie_has_no_margin"),
        ]

    def __str__(self) -> str:
        return f"{self.choice} in assignment {self.assignment_id}"


class Critique(models.Model):
    """A text by a person or a model that says what is wrong with a step."""

    class Origin(models.TextChoices):
        MODEL = "model", "model"
        HUMAN = "human", "person"

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="critiques")
    text = models.TextField()
    origin = models.CharField(max_length=5, choices=Origin)
    source = models.TextField(blank=True, default="", help_text="The model that wrote it.")
    written_in = models.ForeignKey(
        "labeling.Assignment", null=True, blank=True, on_delete=models.CASCADE, related_name="critiques_written"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.text[:60]


class CritiqueRating(models.Model):
    """One labeler's rating of a critique of the step that they rated bad."""

    assignment = models.ForeignKey(
        "labeling.Assignment", on_delete=models.CASCADE, related_name="critique_ratings", db_index=False
    )
    critique = models.ForeignKey(Critique, on_delete=models.CASCADE, related_name="ratings")
    rating = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "critique"], name="one_rating_per_assignment_and_critique"),
            models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="critique_rating_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on critique {self.critique_id}"
