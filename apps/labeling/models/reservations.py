"""Tasks that a manager has assigned to somebody, who gets them before any other."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models.assignments import Assignment
from apps.labeling.models.rounds import Round
from apps.labeling.models.tasks import Task


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def waiting(self) -> Self:
        """Those whose labeler has not begun: they hold a slot of their task."""
        return self.filter(assignment__isnull=True)


class Reservation(models.Model):
    """A slot of a task that is reserved for a labeler, and taken out of the task's open slots.

    When the labeler gets the task, the assignment takes the slot over; the row stays, so that their page can say by whom
    the task was assigned to them.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="reservations", db_index=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="reservations")
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reservations", db_index=False)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.TextField(blank=True, default="", help_text="What the manager writes to the labeler.")
    at = models.DateTimeField(default=timezone.now)
    assignment = models.OneToOneField(
        Assignment,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reservation",
        help_text="What the labeler made of it; empty while it waits for them.",
    )

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "labeler"], name="one_reservation_per_labeler")]
        indexes = [
            # Each claim looks here first.
            models.Index(
                fields=["labeler", "round", "id"], name="waiting_reservation", condition=Q(assignment__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.task_id} for {self.labeler}"
