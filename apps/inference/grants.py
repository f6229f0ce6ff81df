"""Grants: which projects may use an endpoint of the installation."""

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
    """Let these projects use the endpoint. Raises DomainError if it belongs to a project."""
    _check_shared(endpoint)
    for project in projects:
        if not endpoint.granted_to.filter(pk=project.pk).exists():
            endpoint.granted_to.add(project)
            record_event(actor=actor, verb="endpoint.granted", target=endpoint.name, project=project.slug)


@transaction.atomic
def revoke_endpoint(*, endpoint: Endpoint, projects: Iterable[Project], actor: User | None = None) -> None:
    """Revoke the grant: live runs of these projects pause. Raises DomainError if the endpoint belongs to a project."""
    _check_shared(endpoint)
    for project in projects:
        if endpoint.granted_to.filter(pk=project.pk).exists():
            endpoint.granted_to.remove(project)
            record_event(actor=actor, verb="endpoint.revoked", target=endpoint.name, project=project.slug)


@transaction.atomic
def share_endpoint(*, endpoint: Endpoint, with_all: bool, actor: User | None = None) -> None:
    """Let every project, including future ones, use the endpoint, or only those with a grant."""
    _check_shared(endpoint)
    if endpoint.for_all != with_all:
        endpoint.for_all = with_all
        endpoint.save(update_fields=["for_all"])
        verb = "endpoint.granted_to_all" if with_all else "endpoint.revoked_from_all"
        record_event(actor=actor, verb=verb, target=endpoint.name, project="")


def endpoint_named_by_operator(name: str, project: Project) -> Endpoint:
    """The endpoint of this name, for a command that the operator runs for the project: the command grants it.

    Raises DomainError if there is no such endpoint.
    """
    shared = Endpoint.objects.filter(project=None, name=name).first()
    if shared is not None and not Endpoint.objects.usable_in(project).filter(name=name).exists():
        grant_endpoint(endpoint=shared, projects=[project])
    return Endpoint.objects.named(name, project)


def unusable_reason(endpoint: Endpoint, project: Project) -> str | None:
    """Why the project may not use the endpoint, as a sentence; None if it may."""
    if endpoint.is_usable_in(project):
        return None
    return f"The endpoint {endpoint.name} is not granted to {project.slug}: the operator can grant it with `grant_endpoint`."


def check_usable(endpoint: Endpoint, project: Project) -> None:
    """Raise DomainError if the project may not use the endpoint."""
    reason = unusable_reason(endpoint, project)
    if reason is not None:
        raise DomainError(reason, code="not_granted", fields={"endpoint": "not granted to this project"})


def _check_shared(endpoint: Endpoint) -> None:
    if endpoint.project is not None:
        raise DomainError(
            f"{endpoint.name} belongs to the project {endpoint.project.slug}: only endpoints of the installation can be "
            "granted.",
            fields={"endpoint": "belongs to a project"},
        )
