"""A labeler's accuracy on gold, as the labeler sees it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment, Protocol, Round
from apps.projects.models import Project
from apps.quality.gold.marks import marks_of
from apps.quality.gold.scoring import Mark, gold_agreement

# With fewer tasks a share could reveal which of them were gold.
MIN_TASKS = 10
MAX_TASKS = 200


@dataclass(frozen=True, slots=True)
class GoldAccuracy:
    """Agreement with gold over the labeler's latest gold tasks; `share` is None if they are too few."""

    tasks: int
    share: float | None


def gold_accuracy(project: Project, labeler: User) -> GoldAccuracy:
    """The accuracy on gold among real work up to yesterday, without screenings and training.

    A figure that changed with each submission would reveal which of them was gold.
    """
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    assignments = list(
        Assignment.objects.submitted()
        .filter(round__project=project, round__kind=Round.Kind.WORK, labeler=labeler, is_quality_control=True)
        .filter(task__solution__problem__retired_at=None, submitted_at__lt=today)
        .select_related("task", "round")
        .order_by("-submitted_at")[:MAX_TASKS]
    )
    marks = marks_of(assignments)
    if len(marks) < MIN_TASKS:
        return GoldAccuracy(len(marks), None)
    by_protocol: defaultdict[str, list[Mark]] = defaultdict(list)
    for assignment in assignments:
        if assignment.pk in marks:
            by_protocol[assignment.round.protocol].append(marks[assignment.pk])
    hits = sum(
        gold_agreement(own_marks, every_step=protocol == Protocol.EVERY_STEP) * len(own_marks)
        for protocol, own_marks in by_protocol.items()
    )
    return GoldAccuracy(len(marks), hits / len(marks))
