"""What a run freezes of sampling, prompting and budget, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.types import Sampling

Checked = TypeVar("Checked")


class SamplingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`top_k` 0, `min_p` 0 and `top_p` 1 are pure sampling: the servers' own defaults cut the tail."""

    temperature: Annotated[float, Meta(ge=0, le=5)] = 0.7
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Meta(ge=0)] = 0
    min_p: Annotated[float, Meta(ge=0, le=1)] = 0.0
    max_tokens: Annotated[int, Meta(ge=1, le=131_072)] = 1024
    stop: tuple[str, ...] = ()
    extras: bool = True


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run pauses when one of these is reached. `rollouts` counts missing ones too."""

    rollouts: Annotated[int, Meta(ge=1)] | None = None
    tokens: Annotated[int, Meta(ge=1)] | None = None
    cost: Annotated[float, Meta(gt=0)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None


def checked(kind: type[Checked], given: Mapping[str, Any], name: str) -> Checked:
    """Raises DomainError that names the setting."""
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        raise DomainError(f"The {name} cannot be so: {error}.", fields={name: str(error)}) from error


def checked_sampling(endpoint: Endpoint, given: Mapping[str, Any]) -> SamplingSettings:
    """With the endpoint's own stop texts, and without what it does not know."""
    defaults = {"stop": endpoint.stop_texts, "extras": endpoint.sends_extras}
    return checked(SamplingSettings, defaults | dict(given), "sampling")


def sampling_of(frozen: Mapping[str, Any]) -> Sampling:
    return Sampling(**msgspec.structs.asdict(checked(SamplingSettings, frozen, "sampling")))


def template_of(endpoint: Endpoint) -> dict[str, Any]:
    template = Template(problem=endpoint.problem_template, system=endpoint.system_prompt, end=endpoint.prefix_end)
    return {"problem": template.problem, "system": template.system, "end": template.end, "version": template.version}
