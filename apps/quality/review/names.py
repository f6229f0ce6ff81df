"""What readers see of labelers: managers their names, reviewers pseudonyms."""

from __future__ import annotations

from typing import Self

from apps.projects.models import Membership, Project


class PersonName(str):
    """The name of a labeler that the reader may see, with the id of their membership: `{% person name %}` links it."""

    __slots__ = ("membership",)
    membership: int

    def __new__(cls, text: str, membership: int) -> Self:
        name = super().__new__(cls, text)
        name.membership = membership
        return name


def labeler_names_in(project: Project, user_ids: set[int], *, is_named: bool) -> dict[int, str]:
    """By user id. Imported labelers have a pseudonym only; those who were never members are unknown."""
    names: dict[int, str] = dict.fromkeys(user_ids, "unknown")
    for member in Membership.objects.filter(project=project, user__in=user_ids).select_related("user"):
        shows_name = is_named and member.status != Membership.Status.IMPORTED
        names[member.user_id] = PersonName(str(member.user) if shows_name else member.pseudonym[:8], member.pk)
    return names
