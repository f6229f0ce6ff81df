"""How a labeler does on the gold of real work, as they are told it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment, Protocol
from apps.projects.models import Project
from apps.quality.gold.marks import marks_of
from apps.quality.gold.scoring import Mark, agreement

# Below this a share says more of single tasks than of the labeler, and could tell which of them were gold.
FEWEST = 10
LATEST = 200


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Agreement with gold over the labeler's latest gold tasks; `share` is None while they are too few."""

    tasks: int
    share: float | None


def gold_accuracy(project: Project, labeler: User) -> Accuracy:
    """Screenings aside: only gold that was mixed into real work, and none of today's.

    A figure that moved with each submission would tell which of them was gold.
    """
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    assignments = list(
        Assignment.objects.submitted()
        .filter(round__project=project, round__is_screening=False, labeler=labeler, is_quality_control=True)
        .filter(task__solution__problem__retired_at=None, submitted_at__lt=today)
        .select_related("task", "round")
        .order_by("-submitted_at")[:LATEST]
    )
    marks = marks_of(assignments)
    if len(marks) < FEWEST:
        return Accuracy(len(marks), None)
    by_protocol: defaultdict[str, list[Mark]] = defaultdict(list)
    for one in assignments:
        if one.pk in marks:
            by_protocol[one.round.protocol].append(marks[one.pk])
    agreed = sum(
        agreement(some, every_step=protocol == Protocol.EVERY_STEP) * len(some)
        for protocol, some in by_protocol.items()
    )
    return Accuracy(len(marks), agreed / len(marks))
