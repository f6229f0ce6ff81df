"""Services of judges: another prompt, endpoint or setting makes another version, so a verdict always says who gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import Conflict, DomainError
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.judging.constitutions import ConstitutionText, Principle, checked_constitution, constitution_of
from apps.judging.kinds import KINDS, Kind, full_options, kind_of
from apps.judging.kinds.pairs import PairKind
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
# Two judges of one name that differ in any of these are two versions.
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
    judge = draft_judge(
        project=project,
        endpoint=endpoint,
        kind=kind,
        name=name,
        prompt=prompt,
        options=options,
        constitution=constitution,
    )
    if judge.constitution is not None and judge.constitution_id is None:
        judge.constitution = usual_constitution(project, created_by)
    advisory_xact_lock("judges", project.pk)
    newest = Judge.objects.filter(project=project, name=judge.name).order_by("-version").first()
    if newest is not None and all(getattr(newest, field) == getattr(judge, field) for field in SETTINGS):
        return newest
    judge.version, judge.created_by = newest.version + 1 if newest else 1, created_by
    judge.save()
    record_event(actor=created_by, verb="judge.saved", target=str(judge), project=project.slug)
    return judge


def draft_judge(
    *,
    project: Project,
    endpoint: Endpoint,
    kind: str,
    name: str = "",
    prompt: str | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    constitution: Constitution | None = None,
) -> Judge:
    """The judge that `save_judge` would store. Nothing is stored: it may be forecast and tried. Raises as `save_judge` does."""
    check_usable(endpoint, project)
    chosen = judge_prompt(endpoint, kind, prompt)
    frozen = full_options(kind, options or {})
    if KINDS[kind].takes_principles:
        constitution = (
            constitution or newest_constitution(project) or _draft(project, constitution_of(USUAL_CONSTITUTION))
        )
    else:
        constitution = None
    kind_of(chosen, frozen, principles_of(constitution))
    name = name.strip() or usual_name(endpoint, kind)
    _check_name(project, name)
    return Judge(
        project=project,
        name=name,
        kind=kind,
        endpoint=endpoint,
        model=endpoint.model,
        prompt=msgspec.to_builtins(chosen),
        options=frozen,
        constitution=constitution,
    )


def judge_in(project: Project, pk: int) -> Judge:
    """The project's judge with this ID. Raises DomainError, field `judge`."""
    judge = Judge.objects.select_related("project", "endpoint", "constitution").filter(project=project, pk=pk).first()
    if judge is None:
        raise DomainError(f"{project.slug} has no judge {pk}.", code="not_found", fields={"judge": "unknown"})
    return judge


def endpoint_of(judge: Judge) -> Endpoint:
    """The endpoint at which the judge is asked.

    Raises DomainError if there is none, or if the project may not use it, and Conflict if it has another model by now.
    """
    if judge.endpoint is None:
        raise DomainError(f"{judge} has no endpoint: it cannot be asked.", fields={"judge": "must have an endpoint"})
    check_usable(judge.endpoint, judge.project)
    if reason := judge.changed_model_reason(judge.endpoint):
        raise Conflict(
            reason, code="model_changed", fields={"judge": "must be saved again: its endpoint has another model"}
        )
    return judge.endpoint


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


def pair_kind(judge: Judge) -> PairKind:
    """The kind of a judge that compares."""
    kind = judge_kind(judge)
    assert isinstance(kind, PairKind)
    return kind


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


def constitution_in(project: Project, pk: int) -> Constitution:
    """The project's constitution with this ID. Raises DomainError, field `constitution`."""
    constitution = Constitution.objects.filter(project=project, pk=pk).first()
    if constitution is None:
        problem = f"{project.slug} has no constitution {pk}."
        raise DomainError(problem, code="not_found", fields={"constitution": "unknown"})
    return constitution


def _draft(project: Project, text: ConstitutionText) -> Constitution:
    # A list, as the database returns it: a tuple would equal no stored principles.
    return Constitution(project=project, name=text.name, principles=list(msgspec.to_builtins(text.principles)))


def _stored(project: Project, text: ConstitutionText, created_by: User | None) -> Constitution:
    constitution = _draft(project, text)
    advisory_xact_lock("constitutions", project.pk)
    versions = Constitution.objects.filter(project=project, name=text.name)
    newest = versions.order_by("-version").first()
    if newest is not None and newest.principles == constitution.principles:
        return newest
    constitution.version, constitution.created_by = newest.version + 1 if newest else 1, created_by
    constitution.save()
    record_event(actor=created_by, verb="constitution.saved", target=str(constitution), project=project.slug)
    return constitution
