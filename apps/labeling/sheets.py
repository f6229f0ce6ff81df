"""What a labeler is given to work on, and how far they and the round are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Problem, Step
from apps.labeling.models import Assignment, Round, Seat

Sheet = dict[str, Any]


def sheet(assignment: Assignment) -> Sheet:
    """The task as the labeler may see it: never the labels of others, the verdict or the source."""
    round_ = assignment.round
    solution_id = assignment.task.solution_id
    problem = Problem.objects.get(solutions=solution_id)
    steps = Step.objects.filter(solution_id=solution_id, chosen=True)
    asked: Sheet = {
        "id": problem.pk,
        "statement": problem.statement,
        "subject": problem.subject,
        "level": problem.level,
    }
    if round_.show_reference:
        asked["reference_answer"] = problem.reference_answer
    return {
        "id": assignment.pk,
        "leased_until": assignment.leased_until,
        "task": assignment.task_id,
        "round": round_.number,
        "protocol": round_.protocol,
        "problem": asked,
        "steps": [
            {
                "position": step.position,
                "candidates": [{"candidate": step.candidate, "text": step.text, "origin": step.origin}],
            }
            for step in steps
        ],
        "draft": draft_of(assignment),
    }


def draft_of(assignment: Assignment) -> Sheet:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}


def progress(round_: Round, labeler: User, at: datetime | None = None) -> dict[str, int]:
    """Counted submissions of the round, those it needs, and what the labeler handed in today."""
    today = timezone.localdate(at)
    counts = Seat.objects.filter(round=round_).aggregate(
        done=Sum("submitted", default=0),
        today=Sum("submitted_today", filter=Q(labeler=labeler, today=today), default=0),
    )
    return {"done": counts["done"], "total": round_.slot_count, "today": counts["today"]}
