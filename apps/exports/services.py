"""Exports: create and cancel; policies: save and delete."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import delay_on_commit
from apps.exports.contamination import check_contamination
from apps.exports.default_sources import default_sources
from apps.exports.files.storage import remove_unfinished
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMATS
from apps.exports.formats.base import check_step_columns
from apps.exports.models import Export, SavedPolicy
from apps.exports.policy import LabelPolicy, PolicyError
from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.cascade.services import applied_cascade
from apps.quality.models import Figure

NAME_LENGTH = 60  # Of a saved policy.


@transaction.atomic
def create_export(
    *,
    project: Project,
    format: str,  # noqa: A002
    policy: Mapping[str, Any] | None = None,
    container: str = "jsonl",
    requested_by: User | None = None,
    enqueue: bool = True,
) -> Export:
    """Queue an export; without `enqueue` the caller runs it. The whole policy is kept, defaults included.

    Raises DomainError that names the field or the policy's key.
    """
    if format not in FORMATS:
        raise DomainError(
            f"The format must be one of {', '.join(FORMATS)}, not {format!r}.", fields={"format": f"unknown: {format}"}
        )
    if container not in CONTAINERS:
        raise DomainError(
            f"The container must be one of {', '.join(CONTAINERS)}.", fields={"container": f"unknown: {container}"}
        )
    checked = checked_policy(format, policy or {}, project)
    export = Export.objects.create(
        project=project, format=format, container=container, policy=checked.to_dict(), requested_by=requested_by
    )
    record_event(actor=requested_by, verb="export.created", target=format, project=project.slug)
    if enqueue:
        delay_on_commit("apps.exports.tasks.make_export", export.pk)
    return export


def checked_policy(format: str, values: Mapping[str, Any], project: Project) -> LabelPolicy:  # noqa: A002
    """The policy, if the format and the project can use it. Raises DomainError naming the policy's key.

    A policy that names no sources has those of `default_sources`.
    """
    if "sources" not in values:
        values = {**values, "sources": default_sources(project, values)}
    try:
        policy = LabelPolicy.from_dict(values)
        FORMATS[format].check(policy)
        check_step_columns(FORMATS[format], policy)
        _check_judges(policy, project)
        _check_cascade(policy, project)
        check_contamination(policy, project)
    except PolicyError as error:
        raise DomainError(f"The policy is not valid: {error}.", fields={f"policy.{error.key}": error.reason}) from error
    return policy


def _check_judges(policy: LabelPolicy, project: Project) -> None:
    """Raises PolicyError for an unknown judge, whose name would silently label nothing."""
    if not policy.judges:
        return
    names = {name for judge in Judge.objects.filter(project=project) for name in (judge.name, str(judge))}
    if unknown := [name for name in policy.judges if name not in names]:
        choices = f"must be among {', '.join(sorted(names))}" if names else "the project has no judges"
        raise PolicyError("judges", f"unknown judge {unknown[0]!r}; {choices}")


def _check_cascade(policy: LabelPolicy, project: Project) -> None:
    """Raises PolicyError where no cascade is applied, whose labels the policy asks for."""
    if "cascade" in policy.sources and applied_cascade(project) is None:
        raise PolicyError("sources", "cascade: the project has no applied cascade, so that no machine label counts")


@transaction.atomic
def cancel_export(*, export: Export, actor: User) -> Export:
    """Remove what the export has written, and stop its workers within a second or, if it takes longer, their current chunk."""
    export = Export.objects.select_for_update().get(pk=export.pk)
    if not export.has_ended:
        export.end(JobStatus.CANCELLED)
        record_event(actor=actor, verb="export.cancelled", target=str(export.pk), project=export.project.slug)
        # Parts that are finished may have no worker any more; those that are being written are removed by theirs.
        transaction.on_commit(partial(remove_unfinished, export))
    return export


@transaction.atomic
def save_policy(
    *,
    project: Project,
    name: str,
    format: str,  # noqa: A002
    policy: Mapping[str, Any],
    saved_by: User | None = None,
) -> SavedPolicy:
    """Save the policy under the name, in place of an earlier one. Raises DomainError for a policy that is not valid."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise DomainError(
            f"A policy's name must have 1 to {NAME_LENGTH} printable characters.",
            fields={"name": "too short or too long"},
        )
    if format not in FORMATS:
        raise DomainError(
            f"The format must be one of {', '.join(FORMATS)}, not {format!r}.", fields={"format": f"unknown: {format}"}
        )
    values = {"format": format, "policy": checked_policy(format, policy, project).to_dict()}
    saved, _ = SavedPolicy.objects.update_or_create(
        project=project, name=name, defaults={**values, "saved_by": saved_by, "saved_at": timezone.now()}
    )
    record_event(actor=saved_by, verb="policy.saved", target=name, project=project.slug)
    return saved


@transaction.atomic
def delete_policy(*, policy: SavedPolicy, actor: User) -> None:
    """Delete the saved policy. Exports that were made with it keep theirs."""
    record_event(actor=actor, verb="policy.deleted", target=policy.name, project=policy.project.slug)
    policy.delete()


def agreement_of(project: Project) -> dict[str, Any]:
    """Krippendorff's alpha of the project's people as the quality pages show it; empty where it is not known."""
    figure = Figure.objects.filter(project=project, name="agreement", scope="").values_list("data", flat=True).first()
    alpha = (figure or {}).get("steps", {}).get("alpha_ordinal", {})
    if alpha.get("value") is None:
        return {}
    return {"alpha_ordinal": alpha["value"], **{name: alpha[name] for name in ("low", "high", "solutions")}}
