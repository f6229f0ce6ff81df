"""The interface of the kinds of reward model. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from apps.inference.errors import InvalidResponse
from apps.inference.scorers.prompt import ScoringPrompt
from apps.inference.transports.base import Body
from apps.inference.types import Server

T = TypeVar("T")


class ScorerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a kind, with their bounds."""


class Ask(Protocol):
    """Sends one request and returns what `read` makes of its response. Raises EndpointFailure.

    A response of which `read` raises InvalidResponse is not requested again: the same request would get the same.
    """

    async def __call__(self, url: str, body: Body, read: Callable[[Any], T]) -> T: ...


@dataclass(slots=True)
class StepScores:
    """The score of each step, None where it is missing, and the reasons of the missing ones.

    `is_too_long`: the text is longer than the model can read, which says nothing of other solutions.
    """

    scores: list[float | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    is_too_long: bool = False


class Scorer(Protocol):
    """One kind of reward model, with the options and the prompt of a run."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    # Name of the usual prompt; None where problem and steps are sent as they are.
    preset: ClassVar[str | None]
    requests_per_step: ClassVar[bool]
    option_type: ClassVar[type[ScorerOptions]]

    def __init__(self, server: Server, options: ScorerOptions, prompt: ScoringPrompt) -> None: ...

    async def score(self, ask: Ask, problem: str, steps: Sequence[str]) -> StepScores:
        """Score each step. Raises EndpointFailure where the failure concerns all of them."""


def root_of(server: Server) -> str:
    """The server's address without the path of OpenAI's API."""
    return server.url.rstrip("/").removesuffix("/v1")


def probability(value: Any) -> float:
    """A number from 0 to 1. Raises InvalidResponse for anything else: a score is neither scaled nor clipped."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidResponse(f"The endpoint returned the score {str(value)[:40]}: a score must be between 0 and 1.")
    return float(value)
