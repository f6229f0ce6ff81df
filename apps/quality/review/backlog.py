"""What waits for a reviewer: the sample in its order, and why nothing does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from apps.accounts.models import User
from apps.labeling.models import Assignment
from apps.projects.models import Project
from apps.quality.models import Review
from apps.quality.review.risk import sample
from apps.quality.review.unreviewed import newest_unreviewed, risks_of

SAMPLE_SIZE = 30


@dataclass(frozen=True, slots=True)
class WaitingAssignment:
    pk: int
    round_number: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The assignments that a reviewer gets next, of `count` that wait; `why_none` is a sentence if there are none."""

    assignments: Sequence[WaitingAssignment]
    count: int
    why_none: str = ""


def waiting_for(
    reviewer: User,
    project: Project,
    *,
    round_number: int | None = None,
    labeler: int | None = None,
    begin_with: int | None = None,
    leave_out: Collection[int] = (),
) -> Waiting:
    """A sample of what waits, those of the round `begin_with` first: the page is made for one round at a time.

    `leave_out` are ids of assignments that the reviewer has seen already.
    """
    ids = newest_unreviewed(project, round_number=round_number, labeler=labeler, reviewer=reviewer)
    rest = [pk for pk in ids if pk not in set(leave_out)]
    if not rest:
        is_narrowed = round_number is not None or labeler is not None
        return Waiting([], len(ids), why_none(reviewer, project, is_narrowed=is_narrowed, are_skipped=bool(ids)))
    sampled = [risk.assignment for risk in sample(list(risks_of(rest).values()), SAMPLE_SIZE, seed=project.slug)]
    rounds = dict(Assignment.objects.filter(pk__in=sampled).values_list("pk", "round__number"))
    waiting = [WaitingAssignment(pk, rounds[pk]) for pk in sampled]
    return Waiting(sorted(waiting, key=lambda each: each.round_number != begin_with), len(ids))


def why_none(reviewer: User, project: Project, *, is_narrowed: bool = False, are_skipped: bool = False) -> str:
    """Why no assignment waits for the reviewer, as a sentence."""
    submitted = Assignment.objects.submitted().filter(round__project=project)
    if are_skipped:
        return "You have seen every submission that waits. Those that you passed over still wait for a decision."
    if is_narrowed:
        return "No submission without a review matches the filters."
    is_reviewed = Review.objects.filter(assignment__round__project=project).exists()
    if not is_reviewed and not submitted.filter(round__origin="").exists():
        if submitted.exists():
            return "All labels of this project were imported. Imported labels are not reviewed; adjudicate disputes instead."
        return "No labeler has submitted anything yet."
    if newest_unreviewed(project):
        return "Only your own submissions have no review yet. Another reviewer has to review them."
    return "Every submission has a review. New ones appear here as soon as labelers submit them."
