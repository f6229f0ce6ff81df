"""Which ways lead on from the beginning of a solution: the candidates that stand after it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from apps.corpus.identity import digest
from apps.verifiers.extraction.final_answer import extract_answer

SOLUTION, MODEL = "solution", "model"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text for a step. `candidate` is its number at its position, from 0."""

    candidate: int
    text: str
    origin: str = "model"

    @property
    def is_final(self) -> bool:
        return is_final(self.text)


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A step of the task's solution; `chosen` marks its own path."""

    position: int
    candidate: int
    text: str
    origin: str
    chosen: bool


@dataclass(frozen=True)
class CandidateTree:
    """The task's solution, and what was sampled for other beginnings (`offers`, by `prefix_digest`)."""

    steps: Sequence[KnownStep] = ()
    offers: Mapping[UUID, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def path(self) -> list[str]:
        """The texts of the solution's own path."""
        return [step.text for step in sorted(self.steps, key=lambda step: step.position) if step.chosen]

    def follows(self, prefix: Sequence[str]) -> bool:
        """Whether the prefix is the beginning of the solution's own path."""
        return [text.strip() for text in prefix] == [text.strip() for text in self.path[: len(prefix)]]

    def of_solution(self, position: int) -> list[Candidate]:
        """What models wrote there. What a person wrote is path, and offered to nobody."""
        found = [step for step in self.steps if step.position == position and step.origin == "model"]
        return [Candidate(step.candidate, step.text) for step in sorted(found, key=lambda step: step.candidate)]

    def after(self, prefix: Sequence[str]) -> tuple[list[Candidate], str] | None:
        """The candidates for the step after the prefix, and where they are from; None where nothing stands yet."""
        own = self.of_solution(len(prefix)) if self.follows(prefix) else []
        if own:
            return own, SOLUTION
        texts = self.offers.get(prefix_digest(prefix))
        return None if texts is None else ([Candidate(place, text) for place, text in enumerate(texts)], MODEL)

    def written_step(self, prefix: Sequence[str], text: str) -> KnownStep | None:
        """The path's step after this prefix, where a person wrote just this."""
        if not self.follows(prefix):
            return None
        here = (step for step in self.steps if step.chosen and step.position == len(prefix) and step.origin == "human")
        return next((step for step in here if step.text.strip() == text.strip()), None)


def own_number(offered: Sequence[Candidate]) -> int:
    """The number of a step that the labeler writes: the first after those that are offered."""
    return max((one.candidate for one in offered), default=-1) + 1


def prefix_digest(texts: Sequence[str]) -> UUID:
    """White space around a step does not make it another one."""
    return digest("prefix", *(text.strip() for text in texts))


def is_final(text: str) -> bool:
    """Whether the step states the final answer."""
    return extract_answer(text) is not None
