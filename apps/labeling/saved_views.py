"""Saved views of the task table: named filters, of one manager or shared with all."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError, NotAllowed
from apps.labeling.models import SavedView
from apps.projects.models import Project
from apps.projects.permissions import can, membership_of

LONGEST_NAME = 80
MOST_VIEWS = 50


def views_for(project: Project, user: User) -> list[SavedView]:
    """The user's own, and those that others share."""
    views = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), project=project)
    return list(views.select_related("owner"))


@transaction.atomic
def save_view(
    *, project: Project, owner: User, name: str, filters: Mapping[str, str], is_shared: bool = False
) -> SavedView:
    """Save the filters under a name. The owner's view with the same name is replaced. Raises DomainError for a bad name."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise DomainError("Give the view a name.", fields={"name": f"must have 1 to {LONGEST_NAME} characters"})
    own = SavedView.objects.filter(project=project, owner=owner)
    if own.exclude(name=name).count() >= MOST_VIEWS:
        raise DomainError("Delete a view first.", fields={"name": f"you have {MOST_VIEWS} views already"})
    view, _ = SavedView.objects.update_or_create(
        project=project, owner=owner, name=name, defaults={"filters": dict(filters), "is_shared": is_shared}
    )
    if is_shared:
        record_event(actor=owner, verb="view.shared", target=name, project=project.slug, after=dict(filters))
    return view


@transaction.atomic
def delete_view(*, view: SavedView, actor: User) -> None:
    """Delete a view. Raises NotAllowed for another manager's, unless the actor owns the project."""
    if view.owner_id != actor.pk and not can(membership_of(actor, view.project), "manage_members"):
        raise NotAllowed("Only who saved a view, or an owner of the project, can delete it.")
    if view.is_shared:
        record_event(actor=actor, verb="view.deleted", target=view.name, project=view.project.slug)
    view.delete()
