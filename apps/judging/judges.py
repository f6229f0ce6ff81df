"""Services of judges: another prompt, endpoint or setting makes another version, so a verdict always says who gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import DomainError
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.judging.constitutions import ConstitutionText, Principle, checked_constitution, constitution_of
from apps.judging.kinds import KINDS, Kind, full_options, kind_of
from apps.judging.models import Constitution, Judge
from apps.judging.models.judges import LONGEST_NAME
from apps.judging.prompts import JudgePrompt, checked_prompt, prompt_of
from apps.projects.models import Project

# The prompt of each kind unless another is named.
USUAL_PROMPTS = {
    "steps": "steps-first-error",
    "outcome": "outcome",
    "comparison": "comparison",
    "principle": "principle",
    "critique-revise": "critique-revise",
}
USUAL_CONSTITUTION = "default"
# What a version of a judge is: with another value of any of these it is another version.
SETTINGS = ("kind", "endpoint", "model", "prompt", "options", "constitution")


@transaction.atomic
def save_judge(
    *,
    project: Project,
    endpoint: Endpoint,
    kind: str,
    name: str = "",
    prompt: str | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    constitution: Constitution | None = None,
    created_by: User | None = None,
) -> Judge:
    """The judge with these settings: its newest version if they are the same, else a new version.

    `prompt` is the name of one in the box, or all values of an own one. Raises DomainError with the name of the invalid
    field.
    """
    draft = unsaved_judge(
        project=project,
        endpoint=endpoint,
        kind=kind,
        name=name,
        prompt=prompt,
        options=options,
        constitution=constitution,
    )
    if draft.constitution is not None and draft.constitution_id is None:
        draft.constitution = usual_constitution(project, created_by)
    _check_name(project, draft.name)
    advisory_xact_lock("judges", project.pk)
    newest = Judge.objects.filter(project=project, name=draft.name).order_by("-version").first()
    if newest is not None and all(getattr(newest, field) == getattr(draft, field) for field in SETTINGS):
        return newest
    draft.version = newest.version + 1 if newest else 1
    draft.created_by = created_by
    draft.save()
    record_event(actor=created_by, verb="judge.saved", target=str(draft), project=project.slug)
    return draft


def unsaved_judge(
    *,
    project: Project,
    endpoint: Endpoint,
    kind: str,
    name: str = "",
    prompt: str | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    constitution: Constitution | None = None,
) -> Judge:
    """A judge with these settings that is not stored, for forecasts and trials; its constitution may not be either.

    Raises DomainError with the name of the invalid field.
    """
    check_usable(endpoint, project)
    chosen = judge_prompt(endpoint, kind, prompt)
    frozen = full_options(kind, options or {})
    if not KINDS[kind].takes_principles:
        constitution = None
    elif constitution is None:
        constitution = newest_constitution(project) or _boxed_constitution(project)
    kind_of(chosen, frozen, principles_of(constitution))
    return Judge(
        project=project,
        name=name.strip() or usual_name(endpoint, kind),
        kind=kind,
        endpoint=endpoint,
        model=endpoint.model,
        prompt=msgspec.to_builtins(chosen),
        options=frozen,
        constitution=constitution,
    )


def usual_name(endpoint: Endpoint, kind: str) -> str:
    return endpoint.name if kind == "steps" else f"{endpoint.name} {kind}"


def judge_prompt(endpoint: Endpoint, kind: str, prompt: str | Mapping[str, Any] | None) -> JudgePrompt:
    """The prompt: named, or by its values, or the usual one of the kind or of the endpoint's model."""
    if kind not in KINDS:
        raise DomainError(f"Unknown kind {kind!r}.", fields={"kind": f"must be one of {', '.join(KINDS)}"})
    if prompt is None:
        own = prompt_of(endpoint.judge_prompt) if endpoint.judge_prompt else None
        return own if own is not None and own.kind == kind else prompt_of(USUAL_PROMPTS[kind])
    chosen = prompt_of(prompt) if isinstance(prompt, str) else checked_prompt(prompt)
    if chosen.kind != kind:
        raise DomainError(
            f"The prompt {chosen.name} is of the kind {chosen.kind}, not {kind}.",
            fields={"prompt": f"must be of the kind {kind}"},
        )
    return chosen


def judge_kind(judge: Judge) -> Kind[Any, Any]:
    """What decides what this judge is asked and what its replies come to."""
    return kind_of(checked_prompt(judge.prompt), judge.options, principles_of(judge.constitution))


def principles_of(constitution: Constitution | None) -> Sequence[Principle]:
    return () if constitution is None else msgspec.convert(constitution.principles, tuple[Principle, ...])


def _check_name(project: Project, name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise DomainError(
            f"The name has more than {LONGEST_NAME} characters.",
            fields={"name": f"must have at most {LONGEST_NAME} characters"},
        )
    if Judge.objects.filter(project=project, name=name, kind="").exists():
        raise DomainError(
            f"A judge named {name!r} came with a file.", fields={"name": "is the name of a judge from a file"}
        )


# --- constitutions -----------------------------------------------------------------------------------------


@transaction.atomic
def save_constitution(*, project: Project, values: Mapping[str, Any], created_by: User | None = None) -> Constitution:
    """The constitution with these principles: the newest version of its name if they are the same, else a new one."""
    text = checked_constitution({**values, "version": 1})
    return _stored(project, text, created_by)


def usual_constitution(project: Project, created_by: User | None = None) -> Constitution:
    """The project's newest constitution, or the one in the box, which becomes the project's own."""
    return newest_constitution(project) or _stored(project, constitution_of(USUAL_CONSTITUTION), created_by)


def newest_constitution(project: Project) -> Constitution | None:
    return Constitution.objects.filter(project=project).order_by("-pk").first()


def _boxed_constitution(project: Project) -> Constitution:
    text = constitution_of(USUAL_CONSTITUTION)
    return Constitution(project=project, name=text.name, principles=msgspec.to_builtins(text.principles))


def _stored(project: Project, text: ConstitutionText, created_by: User | None) -> Constitution:
    principles = msgspec.to_builtins(text.principles)
    advisory_xact_lock("constitutions", project.pk)
    versions = Constitution.objects.filter(project=project, name=text.name)
    newest = versions.order_by("-version").first()
    if newest is not None and newest.principles == principles:
        return newest
    number = (versions.aggregate(last=Max("version"))["last"] or 0) + 1
    constitution = Constitution.objects.create(
        project=project, name=text.name, version=number, principles=principles, created_by=created_by
    )
    record_event(actor=created_by, verb="constitution.saved", target=str(constitution), project=project.slug)
    return constitution
