"""Pushing a finished export to a Hub: asked for, done by a worker, and its token forgotten with its end."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import try_advisory_lock
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import ENDED, JobStatus
from apps.core.jobs.wakeups import delay_on_commit
from apps.exports.audits.services import check_released
from apps.exports.files.storage import export_files
from apps.exports.hub.client import MISSING, is_installed, repository_problem, upload_files
from apps.exports.models import Export, HubPush
from apps.inference.encryption import decrypt, encrypt

LONGEST_TOKEN = 500


def missing_for_pushes() -> str | None:
    """Why this server pushes nothing to a Hub, as a sentence; None if it does."""
    if not settings.HUB_URL:
        return "The operator has disabled pushing to a Hub (`HUB_URL`)."
    return None if is_installed() else MISSING


def pushes_of(export: Export) -> QuerySet[HubPush]:
    """The pushes of an export, the newest first."""
    return HubPush.objects.filter(export=export).select_related("requested_by").defer("encrypted_token")


@transaction.atomic
def push_export(
    *,
    export: Export,
    repository: str,
    token: str,
    is_private: bool = True,
    requested_by: User | None = None,
    enqueue: bool = True,
) -> HubPush:
    """Queue the upload of all files of the export to a dataset repository; without `enqueue` the caller runs it.

    The token is encrypted until a worker has used it, and then it is gone. Raises DomainError naming the field, and Conflict
    where the export is not finished, is held back by an audit, or is on its way there already.
    """
    repository, token = repository.strip(), token.strip()
    if (missing := missing_for_pushes()) is not None:
        raise DomainError(missing, code="not_installed")
    if (problem := repository_problem(repository)) is not None:
        raise DomainError(f"The repository {problem}.", fields={"repository": problem})
    if not 0 < len(token) <= LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        problem = f"must have 1 to {LONGEST_TOKEN} characters, without spaces"
        raise DomainError(f"The token {problem}.", fields={"token": problem})
    # Two requests at the same time are one after the other.
    export = Export.objects.select_for_update().select_related("project").get(pk=export.pk)
    _check_ready(export)
    if HubPush.objects.filter(export=export, repository=repository).exclude(status__in=ENDED).exists():
        raise Conflict(
            f"The export is already on its way to {repository}.", fields={"repository": "is being pushed to"}
        )
    push = HubPush.objects.create(
        export=export,
        repository=repository,
        is_private=is_private,
        encrypted_token=encrypt(token),
        requested_by=requested_by,
        total=sum(file.bytes for file in export_files(export)),
    )
    target = f"{export.pk} to {repository}, {'private' if is_private else 'public'}"
    record_event(actor=requested_by, verb="export.pushed", target=target, project=export.project.slug)
    if enqueue:
        delay_on_commit("apps.exports.tasks.push_to_hub", push.pk)
    return push


def run_push(*, push_id: int) -> HubPush:
    """Upload the files. Safe to call again at any time: files that the Hub has are not committed twice."""
    with try_advisory_lock("hub-push", push_id) as claimed:
        push = HubPush.objects.select_related("export__project").get(pk=push_id)
        if not claimed or push.has_ended:
            return push

        def fail(reason: str) -> None:
            _end(push, JobStatus.FAILED, error=reason)

        with end_on_error(f"push {push_id}", fail, noun="push", is_os_error_final=True):
            push.start(keep_clock=True)
            _check_ready(push.export)
            commit = upload_files(
                hub=settings.HUB_URL,
                token=decrypt(push.encrypted_token),
                repository=push.repository,
                is_private=push.is_private,
                files=export_files(push.export),
                message=f"Export {push.export_id} of {push.export.project.slug} ({push.export.format})",
            )
            push.commit, push.done = commit.sha, push.total or 0
            # It becomes a link.
            push.url = commit.url if commit.url.startswith(("https://", "http://")) else ""
            _end(push, JobStatus.FINISHED)
    return push


def _end(push: HubPush, status: JobStatus, *, error: str = "") -> None:
    push.encrypted_token = ""
    push.end(status, error=error)


def _check_ready(export: Export) -> None:
    """Raises Conflict for an export that may not leave."""
    if export.status != JobStatus.FINISHED:
        raise Conflict(f"Export {export.pk} is {export.status}: only a finished one can be pushed.")
    check_released(export)
    if not all(file.is_whole for file in export_files(export)):
        raise Conflict(f"Files of export {export.pk} are missing: export again.")
