"""Suspending labelers whose gold accuracy is significantly below the pass mark, and lifting suspensions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, NotAllowed
from apps.labeling.models import Assignment, Reservation
from apps.labeling.queue.reserved_slots import end_reservations
from apps.projects.models import Membership, Project, Role
from apps.projects.services import reinstate_member, remove_member
from apps.quality.gold.marks import counted_marks
from apps.quality.gold.suspension_test import SuspensionTest
from apps.quality.models import QualityRules, StaleSolution, Suspension


def suspend_by_gold(
    project: Project, labelers: Collection[int], *, rules: QualityRules, now: datetime
) -> list[Suspension]:
    """Suspend the labelers who fail the test. Reviewers and managers are never suspended by gold."""
    if not (rules.suspends and labelers):
        return []
    members = Membership.objects.filter(
        project=project, user__in=labelers, role=Role.LABELER, status=Membership.Status.ACTIVE
    )
    reasons = [(member, _suspension_reason(member, rules)) for member in members.select_related("user", "project")]
    return [suspend(membership=member, reason=reason, by=None, now=now) for member, reason in reasons if reason]


def _suspension_reason(membership: Membership, rules: QualityRules) -> str | None:
    """Why gold suspends the member, by marks after their last suspension was lifted; None if it does not."""
    marks = counted_marks(membership.project).filter(labeler=membership.user_id, exact__isnull=False)
    last = Suspension.objects.filter(membership=membership, lifted_at__isnull=False).first()
    if last is not None and last.lifted_at is not None:
        marks = marks.filter(at__gt=last.lifted_at)
    hits = [bool(exact) for exact in marks.order_by("at", "assignment").values_list("exact", flat=True)]
    result = SuspensionTest(pass_mark=rules.pass_mark, minimum=rules.minimum).evaluate(hits)
    if not result.suspend:
        return None
    return (
        f"Agrees with {result.hits} of {result.tasks} tasks whose first error is known; "
        f"{rules.pass_mark:.0%} are required."
    )


@transaction.atomic
def suspend(*, membership: Membership, reason: str, by: User | None, now: datetime | None = None) -> Suspension:
    """The member gets no more work, and their labels no longer count; what was assigned to them is free for others.

    Raises DomainError without a reason.
    """
    if not reason.strip():
        raise DomainError("Give a reason for the suspension.", fields={"reason": "must not be empty"})
    remove_member(membership=membership, actor=by, reason=reason.strip())
    end_reservations(Reservation.objects.filter(labeler=membership.user_id, round__project=membership.project_id))
    _mark_labeled_stale(membership)
    return Suspension.objects.get_or_create(
        membership=membership,
        lifted_at=None,
        defaults={"reason": reason.strip(), "by": by, "at": now or timezone.now()},
    )[0]


@transaction.atomic
def lift(*, membership: Membership, by: User) -> None:
    """Lift the member's suspension; gold marks count from now on. Raises NotAllowed for one's own suspension."""
    if membership.user_id == by.pk:
        raise NotAllowed("You cannot lift your own suspension: ask another owner.", code="self_review")
    if membership.status != Membership.Status.ACTIVE:
        reinstate_member(membership=membership, actor=by)
    Suspension.objects.filter(membership=membership, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)
    _mark_labeled_stale(membership)


def active_suspensions(members: Collection[Membership]) -> dict[int, Suspension]:
    """By membership id: the suspensions that are not lifted."""
    active = Suspension.objects.filter(membership__in=members, lifted_at=None).select_related("by")
    return {suspension.membership_id: suspension for suspension in active}


def _mark_labeled_stale(membership: Membership) -> None:
    """The consensus of everything that the member labeled changes."""
    own = Assignment.objects.filter(labeler=membership.user_id, round__project=membership.project_id)
    pairs = own.values_list("task__solution_id", "derived_solution_id").distinct()
    StaleSolution.objects.mark(membership.project_id, sorted({pk for pair in pairs for pk in pair if pk is not None}))
