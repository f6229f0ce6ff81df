"""People as choices of a field, under the names that the reader may see."""

from __future__ import annotations

from apps.dashboard.access import Place
from apps.projects.models import Membership

MAX_PEOPLE = 500


def people_choices(place: Place, *, only_active: bool = False) -> list[tuple[str, str]]:
    """Members by name: current and former ones, or those who can get work. The value is the membership's id."""
    members = Membership.objects.filter(project=place.project).select_related("user").order_by("pk")
    if only_active:
        members = members.filter(status=Membership.Status.ACTIVE)
    named = place.names_people()
    choices = [
        (
            str(member.pk),
            str(member.user) if named and member.status != Membership.Status.IMPORTED else member.pseudonym[:8],
        )
        for member in members[:MAX_PEOPLE]
    ]
    return sorted(choices, key=lambda choice: choice[1].casefold())
