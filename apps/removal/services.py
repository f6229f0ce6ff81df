"""Deleting and archiving, by one set of rules for pages and API: what goes, what holds it, and what the audit log keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import wake_on_commit
from apps.projects.models import Project
from apps.removal.kinds import Kind, Loss, all_rows
from apps.removal.models import Deletion

TASK = "apps.removal.tasks.delete_in_batches"


@dataclass(frozen=True, slots=True)
class DeletionPreview:
    """What a deletion takes along, and what holds the object; with holds it cannot be deleted."""

    parts: Sequence[Loss]
    holds: Sequence[str]


def preview_deletion(kind: Kind[Any], row: Any) -> DeletionPreview:
    return DeletionPreview(kind.parts(row), kind.holds(row))


@transaction.atomic
def delete(
    *, kind: Kind[Any], row: Any, project: Project, actor: User, confirmation: str | None = None
) -> Deletion | None:
    """Delete the row, or have a worker do it, which the returned `Deletion` follows.

    Raises Conflict that names what holds it, and DomainError, field `confirmation`, unless a project is confirmed by its
    name.
    """
    if kind.name == "project" and confirmation != project.name:
        raise DomainError(
            "Type the name of the project to delete it.", fields={"confirmation": f"must be {project.name}"}
        )
    # Deletions and openings of rounds in a project wait for each other.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    kind.lock(row)
    if holds := kind.holds(row):
        raise Conflict(
            f"This {kind.title} cannot be deleted: {'; '.join(holds)}.", code="held", fields={"holds": "; ".join(holds)}
        )
    title = kind.title_of(row)
    record_event(
        actor=actor, verb=f"{kind.verb}.deleted", target=title, project=project.slug, before=kind.values_of(row)
    )
    if not kind.in_background:
        kind.remove(row)
        return None
    try:
        with transaction.atomic():
            deletion = Deletion.objects.create(
                kind=kind.name,
                target=row.pk,
                title=title[:300],
                slug=project.slug,
                project=project,
                requested_by=actor,
            )
    except IntegrityError as error:
        raise Conflict(f"This {kind.title} is being deleted already.", code="being_deleted") from error
    kind.prepare(row, actor)
    wake_on_commit(TASK, deletion.pk)
    return deletion


@transaction.atomic
def continue_deletion(*, deletion: Deletion) -> Deletion:
    """Have a worker go on with a deletion that has failed. Raises Conflict for any other."""
    stored = Deletion.objects.select_for_update().get(pk=deletion.pk)
    if stored.status != JobStatus.FAILED:
        raise Conflict(f"This deletion is {stored.status}: only one that has failed is continued.", code="not_failed")
    stored.status, stored.error, stored.finished_at, stored.beat_at = JobStatus.QUEUED, "", None, timezone.now()
    try:
        with transaction.atomic():
            stored.save()
    except IntegrityError as error:
        raise Conflict("Another deletion of the same is under way.", code="being_deleted") from error
    wake_on_commit(TASK, stored.pk)
    return stored


@transaction.atomic
def archive(*, kind: Kind[Any], row: Any, project: Project, actor: User) -> None:
    """Take it out of the lists. A second call changes nothing. Raises Conflict while it is at work."""
    _check_archivable(kind)
    # Openings of rounds in the project wait.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    row.refresh_from_db()
    if holds := kind.archive_holds(row):
        raise Conflict(f"This {kind.title} cannot be archived: {'; '.join(holds)}.", code="held")
    if all_rows(kind.model).filter(pk=row.pk, archived_at=None).update(archived_at=timezone.now()):
        record_event(actor=actor, verb=f"{kind.verb}.archived", target=kind.title_of(row), project=project.slug)


@transaction.atomic
def bring_back(*, kind: Kind[Any], row: Any, project: Project, actor: User) -> None:
    """Undo `archive`. A second call changes nothing."""
    _check_archivable(kind)
    if all_rows(kind.model).filter(pk=row.pk, archived_at__isnull=False).update(archived_at=None):
        record_event(actor=actor, verb=f"{kind.verb}.brought_back", target=kind.title_of(row), project=project.slug)


def _check_archivable(kind: Kind[Any]) -> None:
    if not kind.is_archivable:
        raise Conflict(f"A {kind.title} cannot be archived. It can be deleted.", code="not_archivable")
