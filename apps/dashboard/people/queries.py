"""The members of a project."""

from __future__ import annotations

from django.db.models import Sum

from apps.labeling.models import RoundProgress
from apps.projects.models import Membership, Project, Role


def people_of(project: Project) -> list[Membership]:
    """Members by role, each with `submitted`: how many of their submissions filled a slot."""
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__name", "pk")
    submitted = dict(
        RoundProgress.objects.filter(round__project=project)
        .order_by()
        .values_list("labeler")
        .annotate(count=Sum("submitted"))
    )
    people = sorted(members, key=lambda member: -Role(member.role).rank)
    for member in people:
        member.submitted = submitted.get(member.user_id, 0)  # type: ignore[attr-defined]
    return people
