"""The members of a project."""

from __future__ import annotations

from apps.labeling.activity import submission_counts
from apps.projects.models import Membership, Project, Role


def people_of(project: Project) -> list[Membership]:
    """Members by role, each with `submitted`: how many of their submissions filled a slot."""
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__name", "pk")
    submitted = submission_counts(project)
    people = sorted(members, key=lambda member: -Role(member.role).rank)
    for member in people:
        member.submitted = submitted.get(member.user_id, 0)  # type: ignore[attr-defined]
    return people
