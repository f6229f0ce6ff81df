"""Who may do what: the only place that decides it.

A stranger must not learn that a project exists (404); a member without the role is told so (403).
"""

from __future__ import annotations

from django.http import Http404

from apps.accounts.models import User
from apps.core.errors import NotAllowed
from apps.projects.models import INVITER, Membership, Project, Role

# What each action needs. Pages ask `can`, doors ask `project_for`.
NEEDS: dict[str, Role] = {
    "label": Role.LABELER,
    "view": Role.LABELER,
    "browse": Role.REVIEWER,
    "review": Role.REVIEWER,
    "import": Role.MANAGER,
    "export": Role.MANAGER,
    "manage_rounds": Role.MANAGER,
    "edit_problems": Role.MANAGER,
    "estimate": Role.MANAGER,
    "manage_endpoints": Role.MANAGER,
    "invite": INVITER,
    "edit_guidelines": Role.MANAGER,
    "audit": Role.MANAGER,
    "manage_members": Role.OWNER,
}


def membership_of(user: User, project: Project) -> Membership | None:
    return Membership.objects.filter(user=user, project=project).first()


def can(membership: Membership | None, action: str) -> bool:
    if membership is None or membership.status != Membership.Status.ACTIVE:
        return False
    return Role(membership.role).covers(NEEDS[action])


def membership_for(user: User, action: str, **project: object) -> Membership:
    """The user's membership in the one project with this `project__slug` or `project`, if they may do `action` there.

    Raises Http404 for strangers and NotAllowed for members whose role does not reach.
    """
    found = Membership.objects.select_related("project").filter(user=user, **project).order_by().first()
    return allow(found, action)


def allow(found: Membership | None, action: str) -> Membership:
    """The membership, if it reaches. Raises as `membership_for` does."""
    if found is None or found.status == Membership.Status.IMPORTED:
        raise Http404("No such project.")
    if found.status == Membership.Status.SUSPENDED:
        raise NotAllowed("Your membership in this project is suspended.", code="suspended")
    if not can(found, action):
        raise NotAllowed(f"This needs the role {NEEDS[action].label} in {found.project}; you are {found.role}.")
    return found


def project_for(user: User, slug: str, action: str) -> Project:
    """The one access path of pages and API. See `membership_for`."""
    return membership_for(user, action, project__slug=slug).project
