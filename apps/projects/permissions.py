"""Who may do what: the one place that decides it.

Users who are not members must not learn that a project or anything in it exists (404); for a member whose role is too low
the response is 403.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound
from apps.projects.models import INVITER, Membership, Project, Role

M = TypeVar("M", bound=Model)

# The role that each action needs. Pages ask `can`; code that fetches objects calls `project_for` or `reachable`.
NEEDS: dict[str, Role] = {
    "label": Role.LABELER,
    "view": Role.LABELER,
    "browse": Role.REVIEWER,
    "review": Role.REVIEWER,
    # Its figures include estimates of tasks that labelers still have before them.
    "evaluate": Role.REVIEWER,
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
    if action == "label" and membership.project.archived_at is not None:
        return False
    return Role(membership.role).covers(NEEDS[action])


def membership_for(user: User, action: str, **project: object) -> Membership:
    """The user's membership in the one project with this `project__slug` or `project`, if it allows `action`.

    Raises NotFound for strangers and NotAllowed for members whose role is too low.
    """
    membership = Membership.objects.select_related("project").filter(user=user, **project).order_by().first()
    return allow(membership, action)


def allow(membership: Membership | None, action: str, missing: str = "project") -> Membership:
    """The membership, if it allows `action`. Raises as `membership_for` does; `missing` names what a stranger asked for."""
    if membership is None or membership.status == Membership.Status.IMPORTED:
        raise NotFound(f"No such {missing}.")
    if membership.status == Membership.Status.SUSPENDED:
        raise NotAllowed("Your membership in this project is suspended.", code="suspended")
    if action == "label" and membership.project.archived_at is not None:
        raise NotAllowed(f"{membership.project} is archived: nothing is labeled in it.", code="archived")
    if not can(membership, action):
        role = NEEDS[action].label
        raise NotAllowed(f"This requires the role {role} in {membership.project}; your role is {membership.role}.")
    return membership


def project_for(user: User, slug: str, action: str) -> Project:
    """The project with this slug, if the user may do `action` there. Raises as `membership_for` does."""
    return membership_for(user, action, project__slug=slug).project


def reachable(objects: QuerySet[M], user: User, action: str, pk: int, *, project: str = "project") -> M:
    """The row with this key, if the user may do `action` in its project: one query for the row and the membership.

    `project` is the path from the row to its project, as in `solution__project`; the path is loaded with the row.
    Raises NotFound for strangers and missing rows alike, and NotAllowed for members whose role is too low.
    """
    member = f"{project}__memberships"
    row = (
        objects.filter(pk=pk, **{f"{member}__user": user})
        .select_related(project)
        .annotate(member_role=F(f"{member}__role"), member_status=F(f"{member}__status"))
        .order_by()
        .first()
    )
    name = str(objects.model._meta.verbose_name)
    if row is None:
        raise NotFound(f"No such {name}.")
    owner: Any = row
    for part in project.split("__"):
        owner = getattr(owner, part)
    membership = Membership(project=owner, user=user, role=row.member_role, status=row.member_status)  # type: ignore[attr-defined]
    allow(membership, action, missing=name)
    return row
