"""Which projects may use an endpoint of the installation: those that the operator has named, or all by its word."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.projects.models import Project


@transaction.atomic
def grant_endpoint(*, endpoint: Endpoint, projects: Iterable[Project], actor: User | None = None) -> None:
    """Let these projects use it. Raises DomainError for one that is a project's own."""
    _check_shared(endpoint)
    for project in projects:
        if not endpoint.granted_to.filter(pk=project.pk).exists():
            endpoint.granted_to.add(project)
            record_event(actor=actor, verb="endpoint.granted", target=endpoint.name, project=project.slug)


@transaction.atomic
def revoke_endpoint(*, endpoint: Endpoint, projects: Iterable[Project], actor: User | None = None) -> None:
    """Nothing of these projects asks it any more: runs at work pause. Raises DomainError for one that is a project's own."""
    _check_shared(endpoint)
    for project in projects:
        if endpoint.granted_to.filter(pk=project.pk).exists():
            endpoint.granted_to.remove(project)
            record_event(actor=actor, verb="endpoint.revoked", target=endpoint.name, project=project.slug)


@transaction.atomic
def share_endpoint(*, endpoint: Endpoint, with_all: bool, actor: User | None = None) -> None:
    """Let every project use it, those of tomorrow too, or only those that are named."""
    _check_shared(endpoint)
    if endpoint.for_all != with_all:
        endpoint.for_all = with_all
        endpoint.save(update_fields=["for_all"])
        verb = "endpoint.granted_to_all" if with_all else "endpoint.revoked_from_all"
        record_event(actor=actor, verb=verb, target=endpoint.name, project="")


def operators_endpoint(name: str, project: Project) -> Endpoint:
    """The endpoint that the operator names at the shell, for a project that it names too: that is the grant.

    Raises DomainError when there is none of this name.
    """
    shared = Endpoint.objects.filter(project=None, name=name).first()
    if shared is not None and not Endpoint.objects.usable_in(project).filter(name=name).exists():
        grant_endpoint(endpoint=shared, projects=[project])
    return Endpoint.objects.named(name, project)


def why_not_usable(endpoint: Endpoint, project: Project) -> str | None:
    """A sentence where the project may not use it, or no longer."""
    if endpoint.is_usable_in(project):
        return None
    return f"The endpoint {endpoint.name} is not granted to {project.slug}: its operator does that by grant_endpoint."


def check_usable(endpoint: Endpoint, project: Project) -> None:
    """Raises DomainError where the project may not use it."""
    reason = why_not_usable(endpoint, project)
    if reason is not None:
        raise DomainError(reason, code="not_granted", fields={"endpoint": "not granted to this project"})


def _check_shared(endpoint: Endpoint) -> None:
    if endpoint.project is not None:
        raise DomainError(
            f"{endpoint.name} is an endpoint of the project {endpoint.project.slug}: only those of the installation "
            "are granted.",
            fields={"endpoint": "of a project"},
        )
