"""The parameters that a run freezes: sampling, template and budget, with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.types import SamplingParameters

S = TypeVar("S", bound=msgspec.Struct)


class SamplingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The defaults `top_k` 0, `min_p` 0 and `top_p` 1 are pure sampling: servers' own defaults truncate the distribution."""

    temperature: Annotated[float, Meta(ge=0, le=5)] = 0.7
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Meta(ge=0)] = 0
    min_p: Annotated[float, Meta(ge=0, le=1)] = 0.0
    max_tokens: Annotated[int, Meta(ge=1, le=131_072)] = 1024
    stop: tuple[str, ...] = ()
    extras: bool = True


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits at which the run pauses. `rollouts` includes missing ones."""

    rollouts: Annotated[int, Meta(ge=1)] | None = None
    tokens: Annotated[int, Meta(ge=1)] | None = None
    cost: Annotated[float, Meta(gt=0)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None


class RequestBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits at which a run that counts requests pauses."""

    requests: Annotated[int, Meta(ge=1)] | None = None
    tokens: Annotated[int, Meta(ge=1)] | None = None
    cost: Annotated[float, Meta(gt=0)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None


def checked(kind: type[S], values: Mapping[str, Any], name: str) -> S:
    """Convert to a struct. Raises DomainError, field `name`, if a value is unknown or out of range."""
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        raise DomainError(f"Invalid {name}: {error}.", fields={name: str(error)}) from error


def checked_sampling(endpoint: Endpoint, values: Mapping[str, Any]) -> SamplingSettings:
    """The settings, by default with the endpoint's stop texts, and top_k and min_p only if it accepts them."""
    defaults = {"stop": endpoint.stop_texts, "extras": endpoint.sends_extras}
    return checked(SamplingSettings, defaults | dict(values), "sampling")


def sampling_of(frozen: Mapping[str, Any]) -> SamplingParameters:
    return SamplingParameters(**msgspec.structs.asdict(checked(SamplingSettings, frozen, "sampling")))


def template_of(endpoint: Endpoint) -> dict[str, Any]:
    template = Template(problem=endpoint.problem_template, system=endpoint.system_prompt, end=endpoint.prefix_end)
    return {"problem": template.problem, "system": template.system, "end": template.end, "version": template.version}
