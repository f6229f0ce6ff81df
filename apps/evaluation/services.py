"""Evaluations: create and cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import delay_on_commit
from apps.evaluation.kinds import KINDS
from apps.evaluation.models import Evaluation, EvaluationKind
from apps.evaluation.options import EvaluationOptions, OptionsError, options_from
from apps.evaluation.sources.scorers import VERIFIER_SCORE, scoring_runs
from apps.projects.models import Project


@transaction.atomic
def create_evaluation(
    *,
    project: Project,
    kind: str,
    options: Mapping[str, Any] | None = None,
    requested_by: User | None = None,
    enqueue: bool = True,
) -> Evaluation:
    """Queue an evaluation; without `enqueue` the caller runs it. All options are kept, defaults included.

    Options that the kind fixes have its value.

    Raises DomainError that names the field.
    """
    if kind not in EvaluationKind.values:
        raise DomainError(
            f"The kind must be one of {', '.join(EvaluationKind.values)}, not {kind!r}.",
            fields={"kind": f"must be one of {', '.join(EvaluationKind.values)}"},
        )
    checked = msgspec.structs.replace(checked_options(options or {}), **KINDS[kind].fixed)
    if checked.scorer not in ("", VERIFIER_SCORE):
        # A model's newest run now: a later one does not change what was asked for.
        (run,) = scoring_runs(project, checked.scorer)
        checked = msgspec.structs.replace(checked, scorer=f"run {run.number}")
    evaluation = Evaluation.objects.create(
        project=project,
        kind=kind,
        options=msgspec.to_builtins(checked),
        version=settings.VERSION,
        requested_by=requested_by,
    )
    record_event(actor=requested_by, verb="evaluation.created", target=kind, project=project.slug)
    if enqueue:
        delay_on_commit("apps.evaluation.tasks.evaluate", evaluation.pk)
    return evaluation


def checked_options(values: Mapping[str, Any]) -> EvaluationOptions:
    """Raises DomainError that names the option."""
    try:
        return options_from(values)
    except OptionsError as error:
        raise DomainError(f"The options are not valid: {error}.", fields={error.field: error.reason}) from error


@transaction.atomic
def cancel_evaluation(*, evaluation: Evaluation, actor: User) -> Evaluation:
    """Stop the evaluation before its next part. Nothing of it is kept."""
    evaluation = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
    if not evaluation.has_ended:
        evaluation.end(JobStatus.CANCELLED)
        record_event(
            actor=actor, verb="evaluation.cancelled", target=str(evaluation.pk), project=evaluation.project.slug
        )
    return evaluation
