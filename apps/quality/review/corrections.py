"""Reviewers' corrections of assignments, whose ratings count in place of the labeler's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.quality.models import Review

StepKey = tuple[int, int]  # Position and candidate.


@dataclass(frozen=True, slots=True)
class Correction:
    """A reviewer's submission that counts in place of the labeler's."""

    assignment_id: int
    reviewer: User
    at: datetime
    note: str
    submission: Submission
    self_reviewed: bool = False

    @property
    def steps(self) -> Mapping[StepKey, SubmittedStep]:
        return {(step.position, step.candidate): step for step in self.submission.steps}


def counted_corrections() -> QuerySet[Review]:
    """The reviews that correct an assignment; of several of one assignment the newest counts."""
    return Review.objects.filter(
        assignment__corrected_by__isnull=False, decision=Review.Decision.CORRECTED, submission__isnull=False
    )


def corrections_of(assignment_ids: Iterable[int]) -> dict[int, Correction]:
    """The corrections that count, by assignment id. Of several corrections of one assignment the newest counts."""
    reviews = counted_corrections().filter(assignment__in=list(assignment_ids))
    return {
        review.assignment_id: Correction(
            review.assignment_id,
            review.reviewer,
            review.at,
            review.note,
            Submission.from_dict(review.submission or {}),
            review.self_reviewed,
        )
        for review in reviews.select_related("reviewer").order_by("at", "pk")
    }


@dataclass(frozen=True, slots=True)
class RatingChange:
    """A step whose rating a correction changes; None: not rated. `is_unsure`: the correction flags it as unsure."""

    position: int
    candidate: int
    before: int | None
    after: int | None
    is_unsure: bool = False

    @property
    def number(self) -> int:
        """The number of the step as pages count, from 1."""
        return self.position + 1


def rating_changes(own: Mapping[StepKey, tuple[int | None, bool]], correction: Correction) -> list[RatingChange]:
    """What the correction changes of the labeler's `own` ratings and unsure flags, in the order of the steps."""
    corrected = {key: (step.rating, step.unsure) for key, step in correction.steps.items()}
    unrated = (None, False)
    return [
        RatingChange(*key, own.get(key, unrated)[0], *corrected.get(key, unrated))
        for key in sorted(own.keys() | corrected.keys())
        if own.get(key, unrated) != corrected.get(key, unrated)
    ]
