"""Reviewers' corrections of assignments: whose they are, and what they say in place of the labeler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import User
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.quality.models import Review

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Correction:
    """What counts in place of an assignment's own ratings."""

    assignment_id: int
    reviewer: User
    at: datetime
    note: str
    submission: Submission
    self_reviewed: bool = False

    @property
    def steps(self) -> Mapping[Place, SubmittedStep]:
        """By position and candidate."""
        return {(step.position, step.candidate): step for step in self.submission.steps}


def corrections_of(assignment_ids: Iterable[int]) -> dict[int, Correction]:
    """The corrections that count, by assignment id. Of several corrections of one assignment the newest counts."""
    reviews = Review.objects.filter(
        assignment__in=list(assignment_ids),
        assignment__corrected_by__isnull=False,
        decision=Review.Decision.CORRECTED,
        submission__isnull=False,
    )
    return {
        one.assignment_id: Correction(
            one.assignment_id,
            one.reviewer,
            one.at,
            one.note,
            Submission.from_dict(one.submission or {}),
            one.self_reviewed,
        )
        for one in reviews.select_related("reviewer").order_by("at", "pk")
    }


@dataclass(frozen=True, slots=True)
class Change:
    """A step that a reviewer rates otherwise than the labeler; None: not rated. `unsure` counts as not rated."""

    position: int
    candidate: int
    before: int | None
    after: int | None
    is_unsure: bool = False

    @property
    def number(self) -> int:
        """As pages count steps, from 1."""
        return self.position + 1


def changes(own: Mapping[Place, tuple[int | None, bool]], correction: Correction) -> list[Change]:
    """What the correction changes of the labeler's `own` ratings and unsure flags, in order of the steps."""
    said = {place: (step.rating, step.unsure) for place, step in correction.steps.items()}
    nothing = (None, False)
    return [
        Change(*place, own.get(place, nothing)[0], *said.get(place, nothing))
        for place in sorted(own.keys() | said.keys())
        if own.get(place, nothing) != said.get(place, nothing)
    ]
