"""The parameters that a scoring run freezes: kind, options, prompt and budget, with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.inference.scorers import SCORERS
from apps.inference.scorers.base import Scorer
from apps.inference.scorers.prompt import PRESETS, ScoringPrompt
from apps.inference.types import Server
from apps.runs.parameters import checked
from apps.scoring.reducers import Reducer


def checked_kind(kind: str) -> type[Scorer]:
    """Raises DomainError, field `kind`, for an unknown kind."""
    if kind not in SCORERS:
        names = ", ".join(SCORERS)
        raise DomainError(f"Unknown kind {kind!r}.", fields={"kind": f"must be one of {names}"})
    return SCORERS[kind]


def checked_reducer(reducer: str) -> str:
    """Raises DomainError, field `reducer`, for an unknown reducer."""
    if reducer not in list(Reducer):
        names = ", ".join(Reducer)
        raise DomainError(f"Unknown reducer {reducer!r}.", fields={"reducer": f"must be one of {names}"})
    return reducer


def full_options(kind: str, endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
    """All options of the kind, with the endpoint's own defaults. Raises DomainError, field `options`."""
    option_type = checked_kind(kind).option_type
    defaults = {"extras": endpoint.sends_extras} if "extras" in option_type.__struct_fields__ else {}
    options: dict[str, Any] = msgspec.to_builtins(checked(option_type, defaults | dict(values), "options"))
    return options


def full_prompt(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The whole prompt: that of `preset`, by default the kind's usual one, with the other values in its place.

    Empty for a kind that has none. Raises DomainError, field `prompt`.
    """
    usual = checked_kind(kind).preset
    if usual is None:
        if values:
            raise DomainError(
                f"The kind {kind} sends problem and steps as they are.", fields={"prompt": f"must be empty for {kind}"}
            )
        return {}
    preset = values.get("preset") or usual
    if not isinstance(preset, str) or preset not in PRESETS:
        names = ", ".join(PRESETS)
        raise DomainError(f"Unknown preset {preset!r}.", fields={"prompt": f"preset: must be one of {names}"})
    own = {name: value for name, value in values.items() if name != "preset"}
    prompt = checked(ScoringPrompt, msgspec.to_builtins(PRESETS[preset]) | own, "prompt")
    if both := set(prompt.good) & set(prompt.bad):
        raise DomainError(
            "A token cannot be good and bad.", fields={"prompt": f"good and bad: {min(both)!r} is in both"}
        )
    frozen: dict[str, Any] = msgspec.to_builtins(prompt)
    return frozen


def scorer_of(kind: str, server: Server, options: Mapping[str, Any], prompt: Mapping[str, Any]) -> Scorer:
    """The scorer with the frozen parameters of a run."""
    scorer = checked_kind(kind)
    return scorer(server, checked(scorer.option_type, options, "options"), checked(ScoringPrompt, prompt, "prompt"))
