"""The candidates that follow each prefix of a task's solution. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from apps.corpus.identity import digest
from apps.verifiers.extraction.final_answer import extract_answer

SOLUTION, MODEL = "solution", "model"


@dataclass(frozen=True, slots=True)
class StepCandidate:
    """One text for a step. `candidate` is its number at its position, from 0."""

    candidate: int
    text: str
    origin: str = "model"

    @property
    def is_final(self) -> bool:
        return is_final(self.text)


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A step of the task's solution; `chosen` marks the steps on its own path."""

    position: int
    candidate: int
    text: str
    origin: str
    chosen: bool


@dataclass(frozen=True)
class CandidateTree:
    """The steps of the task's solution, and the texts sampled after other prefixes (by `prefix_digest`)."""

    steps: Sequence[KnownStep] = ()
    sampled: Mapping[UUID, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def path(self) -> list[str]:
        """The texts of the solution's own path."""
        return [step.text for step in sorted(self.steps, key=lambda step: step.position) if step.chosen]

    def follows(self, prefix: Sequence[str]) -> bool:
        """Whether the prefix is the beginning of the solution's own path."""
        return [text.strip() for text in prefix] == [text.strip() for text in self.path[: len(prefix)]]

    def solution_candidates(self, position: int) -> list[StepCandidate]:
        """The solution's candidates at a position, written by models. Steps that people wrote are not served."""
        steps = [step for step in self.steps if step.position == position and step.origin == "model"]
        return [StepCandidate(step.candidate, step.text) for step in sorted(steps, key=lambda step: step.candidate)]

    def after(self, prefix: Sequence[str]) -> tuple[list[StepCandidate], str] | None:
        """The candidates for the step after the prefix and their source; None if there are none yet."""
        own = self.solution_candidates(len(prefix)) if self.follows(prefix) else []
        if own:
            return own, SOLUTION
        texts = self.sampled.get(prefix_digest(prefix))
        return None if texts is None else ([StepCandidate(place, text) for place, text in enumerate(texts)], MODEL)

    def written_step(self, prefix: Sequence[str], text: str) -> KnownStep | None:
        """The path's step after this prefix, if a person wrote exactly this text."""
        if not self.follows(prefix):
            return None
        here = (step for step in self.steps if step.chosen and step.position == len(prefix) and step.origin == "human")
        return next((step for step in here if step.text.strip() == text.strip()), None)


def own_number(candidates: Sequence[StepCandidate]) -> int:
    """The candidate number of a step that the labeler writes: the first after the existing candidates."""
    return max((candidate.candidate for candidate in candidates), default=-1) + 1


def prefix_digest(texts: Sequence[str]) -> UUID:
    """The identity of a prefix, ignoring white space around its steps."""
    return digest("prefix", *(text.strip() for text in texts))


def is_final(text: str) -> bool:
    """Whether the step states the final answer."""
    return extract_answer(text) is not None
