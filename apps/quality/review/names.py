"""What readers see of labelers: managers their names, reviewers pseudonyms."""

from __future__ import annotations

from apps.projects.models import Membership, Project


def labeler_names_in(project: Project, user_ids: set[int], *, is_named: bool) -> dict[int, str]:
    """By user id. Imported labelers have a pseudonym only; those who were never members are unknown."""
    names = dict.fromkeys(user_ids, "unknown")
    for member in Membership.objects.filter(project=project, user__in=user_ids).select_related("user"):
        shows_name = is_named and member.status != Membership.Status.IMPORTED
        names[member.user_id] = str(member.user) if shows_name else member.pseudonym[:8]
    return names
