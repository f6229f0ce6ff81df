"""Watching over labelers: who fails gold beyond doubt is suspended, and is told why as far as the project allows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, NotAllowed
from apps.labeling.models import Assignment
from apps.projects.models import Membership, Project, Role
from apps.projects.services import reinstate_member, remove_member
from apps.quality.gold.marks import counted_marks
from apps.quality.gold.suspension_test import SuspensionTest, find
from apps.quality.models import QualityRules, Stale, Suspension


def watch_over(project: Project, labelers: Collection[int], *, rules: QualityRules, now: datetime) -> list[Suspension]:
    """Suspend whom gold convicts. Only labelers: reviewers and managers answer to people."""
    if not (rules.suspends and labelers):
        return []
    members = Membership.objects.filter(
        project=project, user__in=labelers, role=Role.LABELER, status=Membership.Status.ACTIVE
    )
    found = [(member, _verdict(member, rules)) for member in members.select_related("user", "project")]
    return [suspend(membership=member, reason=reason, by=None, now=now) for member, reason in found if reason]


def _verdict(membership: Membership, rules: QualityRules) -> str | None:
    """What gold says against them since they were last let in again, or None. A failed screening says nothing here."""
    marks = counted_marks(membership.project).filter(labeler=membership.user_id, exact__isnull=False)
    last = Suspension.objects.filter(membership=membership, lifted_at__isnull=False).first()
    if last is not None and last.lifted_at is not None:
        marks = marks.filter(at__gt=last.lifted_at)
    hits = [bool(exact) for exact in marks.order_by("at", "assignment").values_list("exact", flat=True)]
    finding = find(hits, SuspensionTest(pass_mark=rules.pass_mark, minimum=rules.minimum))
    if not finding.suspend:
        return None
    return (
        f"Agrees with {finding.hits} of {finding.tasks} tasks whose first error is known; "
        f"{rules.pass_mark:.0%} are asked for."
    )


@transaction.atomic
def suspend(*, membership: Membership, reason: str, by: User | None, now: datetime | None = None) -> Suspension:
    """No more work for them; what they said is heard no longer. Raises DomainError without a reason."""
    if not reason.strip():
        raise DomainError("Say why.", fields={"reason": "empty"})
    remove_member(membership=membership, actor=by, reason=reason.strip())
    _count_anew(membership)
    return Suspension.objects.get_or_create(
        membership=membership,
        lifted_at=None,
        defaults={"reason": reason.strip(), "by": by, "at": now or timezone.now()},
    )[0]


@transaction.atomic
def lift(*, membership: Membership, by: User) -> None:
    """Let them work again. Gold counts from now on; twice is once. Raises NotAllowed for one's own suspension."""
    if membership.user_id == by.pk:
        raise NotAllowed("Nobody lifts their own suspension: ask another owner.", code="self_review")
    if membership.status != Membership.Status.ACTIVE:
        reinstate_member(membership=membership, actor=by)
    Suspension.objects.filter(membership=membership, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)
    _count_anew(membership)


def _count_anew(membership: Membership) -> None:
    """All that they spoke of is computed again, with or without their words."""
    own = Assignment.objects.filter(labeler=membership.user_id, round__project=membership.project_id)
    pairs = own.values_list("task__solution_id", "grown_id").distinct()
    Stale.objects.mark(membership.project_id, sorted({pk for pair in pairs for pk in pair if pk is not None}))
