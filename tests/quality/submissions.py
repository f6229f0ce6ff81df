"""Submissions of labelers in these tests, made through the queue."""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.projects.models import Project
from apps.quality.models import QualityRules


def submission_of(ratings: Sequence[int | None]) -> Submission:
    """Ratings from the first step on; None is unsure."""
    steps = [
        SubmittedStep(position=place, rating=rating, unsure=rating is None) for place, rating in enumerate(ratings)
    ]
    return Submission(steps=steps, finish_reason="found_error" if -1 in ratings else "solution", active_ms=1000)


def submit_next(round_: Round, labeler: User, *ratings: int | None) -> Assignment:
    """The labeler claims the next task and submits these ratings."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment), assignment
    return submit(assignment=assignment, submission=submission_of(ratings))


def add_gold(solution: Solution, *ratings: int) -> None:
    """Gold for the first steps of a solution."""
    for step, rating in zip(solution.steps.order_by("position"), ratings, strict=False):
        GoldLabel.objects.create(step=step, rating=rating)


def mark_all_stale(project: Project) -> None:
    """Mark everything to be computed again, as after a change of the project's rules."""
    QualityRules.objects.update_or_create(project=project, defaults={"stale_all": True})
