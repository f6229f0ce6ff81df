"""A project's reward model: the endpoint that scores unless another is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.scoring.models import RewardModel, ScoringRun
from apps.scoring.parameters import full_options, full_prompt

DEFAULT_KIND = "token_probability"


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """An endpoint and how steps are sent to it, all checked and complete."""

    endpoint: Endpoint
    kind: str
    options: dict[str, Any]
    prompt: dict[str, Any]


@transaction.atomic
def set_reward_model(
    *,
    project: Project,
    endpoint: Endpoint,
    kind: str = DEFAULT_KIND,
    options: Mapping[str, Any] | None = None,
    prompt: Mapping[str, Any] | None = None,
    actor: User | None = None,
) -> RewardModel:
    """Make this the project's reward model. Raises DomainError with the name of the invalid field."""
    check_usable(endpoint, project)
    values = {
        "endpoint": endpoint,
        "kind": kind,
        "options": full_options(kind, endpoint, options or {}),
        "prompt": full_prompt(kind, prompt or {}),
    }
    reward_model, _ = RewardModel.objects.update_or_create(project=project, defaults=values)
    record_event(actor=actor, verb="reward_model.set", target=str(reward_model), project=project.slug)
    return reward_model


def adopt_run(*, run: ScoringRun, actor: User | None = None) -> RewardModel | None:
    """Make the run's endpoint, asked as the run asks it, the project's reward model; None if the endpoint is gone."""
    if run.endpoint is None:
        return None
    return set_reward_model(
        project=run.project,
        endpoint=run.endpoint,
        kind=run.kind,
        options=run.options,
        prompt=run.prompt,
        actor=actor,
    )


def scorer_settings(
    *,
    project: Project,
    endpoint: Endpoint | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    prompt: Mapping[str, Any] | None = None,
) -> ScorerSettings:
    """The settings of the endpoint, by default the project's reward model.

    Where the endpoint is that of the project's reward model, what is not passed comes from there; else it is the kind's
    default. Raises DomainError with the name of the invalid field.
    """
    own = RewardModel.objects.filter(project=project).select_related("endpoint").first()
    if endpoint is None:
        if own is None:
            raise DomainError(
                f"{project.slug} has no reward model: name an endpoint, or set one.",
                code="no_reward_model",
                fields={"endpoint": "required, since the project has no reward model"},
            )
        endpoint = own.endpoint
    check_usable(endpoint, project)
    is_own = own is not None and own.endpoint_id == endpoint.pk and kind in (None, own.kind)
    chosen = own.kind if own is not None and is_own else kind or DEFAULT_KIND
    usual_options, usual_prompt = (own.options, own.prompt) if own is not None and is_own else ({}, {})
    return ScorerSettings(
        endpoint,
        chosen,
        full_options(chosen, endpoint, {**usual_options, **(options or {})}),
        full_prompt(chosen, prompt or usual_prompt),
    )
