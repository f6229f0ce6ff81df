"""Kinds of judging decide what a judge is asked and what its replies come to. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.judging.constitutions import Principle
from apps.judging.kinds.base import (
    OUTCOMES,
    Ask,
    ComparisonCase,
    Kind,
    KindOptions,
    PairResult,
    Result,
    RevisedText,
    SolutionCase,
    reference_text,
)
from apps.judging.kinds.comparison import ComparisonKind
from apps.judging.kinds.critique_revise import CritiqueRevise
from apps.judging.kinds.outcome import OutcomeKind
from apps.judging.kinds.principle import PrincipleKind
from apps.judging.kinds.steps import Steps
from apps.judging.prompts import JudgePrompt

__all__ = [
    "KINDS",
    "OUTCOMES",
    "Ask",
    "ComparisonCase",
    "Kind",
    "KindOptions",
    "PairResult",
    "Result",
    "RevisedText",
    "SolutionCase",
    "full_options",
    "kind_of",
    "reference_text",
]

_ALL: tuple[type[Kind[Any, Any]], ...] = (Steps, OutcomeKind, ComparisonKind, PrincipleKind, CritiqueRevise)
KINDS: dict[str, type[Kind[Any, Any]]] = {kind.name: kind for kind in _ALL}


def kind_of(
    prompt: JudgePrompt, options: Mapping[str, Any] | None = None, principles: Sequence[Principle] = ()
) -> Kind[Any, Any]:
    """The kind of the prompt, with these options. Raises DomainError, with the option's name if one is out of range."""
    kind = KINDS[prompt.kind]
    if kind.takes_principles and not principles:
        problem = f"The kind {kind.name} needs a constitution."
        raise DomainError(problem, fields={"constitution": "must have at least one principle"})
    return kind(prompt, _converted(prompt.kind, options or {}), principles if kind.takes_principles else ())


def full_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """These options with the defaults of all others, to be frozen in a run. Raises DomainError as `kind_of` does."""
    return dict(msgspec.to_builtins(_converted(name, options)))


def _converted(name: str, options: Mapping[str, Any]) -> KindOptions:
    if name not in KINDS:
        raise DomainError(f"Unknown kind {name!r}.", fields={"kind": f"must be one of {', '.join(KINDS)}"})
    try:
        return msgspec.convert(dict(options), KINDS[name].option_type)
    except msgspec.ValidationError as error:
        raise DomainError(f"Invalid options of {name}: {error}.", fields={"options": str(error)}) from error
