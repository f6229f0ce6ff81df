"""What every protocol has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal
from typing import Protocol as TypingProtocol

import msgspec
from msgspec import Meta

from apps.core.errors import Unprocessable
from apps.corpus.labels import FINISH_REASONS, RATINGS
from apps.labeling.protocols.candidate_tree import CandidateTree
from apps.labeling.protocols.submission import Submission, SubmittedStep

LEFT_EARLY = ("give_up", "bad_problem")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a protocol, kept in the round. Whoever adds one adds its bounds with it.

    `FOR_LABELERS` names those that shape the labeler's work. The others say how tasks are chosen and made, which is
    not told to labelers: that a pair is a right and a wrong solution answers what they are asked.
    """

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset()


class SamplingOptions(Options, frozen=True):
    """How a protocol has its candidates sampled, where the round names an endpoint."""

    candidates: Annotated[int, Meta(ge=1, le=8)] = 4
    temperature: Annotated[float, Meta(ge=0, le=2)] = 1.0
    max_tokens: Annotated[int, Meta(ge=8, le=4096)] = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """What was put to the labeler. Positions and candidates count from 0.

    `path` gives the candidate on the solution's own path at each position, `candidates` how many are offered there;
    `ways` are their texts, and what was sampled for other beginnings, where the protocol asks about more than the path.
    `alternatives` are places beside the path that may be rated too, `critiques` the ids of those shown, by position.
    `is_pair`: two sides were put side by side, and no steps are to be rated.
    """

    path: Mapping[int, int] = field(default_factory=dict)
    candidates: Mapping[int, int] = field(default_factory=dict)
    options: Any = None
    is_pair: bool = False
    ways: CandidateTree = field(default_factory=CandidateTree)
    alternatives: frozenset[tuple[int, int]] = frozenset()
    critiques: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def knows(self, step: SubmittedStep) -> bool:
        return step.candidate == self.path.get(step.position) or (step.position, step.candidate) in self.alternatives


class Protocol(TypingProtocol):
    """A way to label one task. `of` says what tasks it takes; `options` is the kind of its settings."""

    name: ClassVar[str]
    title: ClassVar[str]
    hint: ClassVar[str]
    of: ClassVar[Literal["solution", "comparison"]]
    options: ClassVar[type[Options]]

    def check(self, submission: Submission, asked: Asked) -> None:
        """Raise Unprocessable, naming fields, unless the submission is finished."""


def check_shape(submission: Submission, asked: Asked) -> None:
    """What holds under every protocol: known steps, each once and in order, known values, a reason."""
    fields = ending_complaints(submission)
    if submission.preference is not None and not asked.is_pair:
        fields["preference"] = "only two sides can be preferred one to the other"
    for index, step in enumerate(submission.steps):
        complaint = _complaint(step, asked, {(one.position, one.candidate) for one in submission.steps[:index]})
        if complaint:
            fields[f"steps[{index}]"] = complaint
    if fields:
        raise Unprocessable("The submission cannot be read.", fields=fields)


def ending_complaints(submission: Submission) -> dict[str, str]:
    """By field: what is wrong with how it ends."""
    fields: dict[str, str] = {}
    if submission.finish_reason not in FINISH_REASONS:
        fields["finish_reason"] = f"one of {', '.join(FINISH_REASONS)}"
    if submission.finish_reason in LEFT_EARLY and not submission.reason.strip():
        fields["reason"] = "say why"
    return fields


def _complaint(step: SubmittedStep, asked: Asked, seen: set[tuple[int, int]]) -> str | None:
    if not asked.knows(step):
        return f"the task has no step {step.position}, candidate {step.candidate}"
    if step.text is not None:
        return "steps of one's own are not taken here"
    if (step.position, step.candidate) in seen:
        return "rated twice"
    if step.rating is not None and step.rating not in RATINGS:
        return "the rating is -1, 0, 1 or null"
    return None


def answered_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.is_answered)


def check_walk(submission: Submission) -> None:
    """The rated steps are the first ones, without a gap: steps are reached in order."""
    positions = answered_positions(submission)
    for expected, found in enumerate(positions):
        if expected != found:
            raise missing([expected])
    if len(positions) != len(submission.steps):
        unanswered = sorted(step.position for step in submission.steps if not step.is_answered)
        raise missing(unanswered)


def missing(positions: Sequence[int]) -> Unprocessable:
    """People count steps from 1, fields from 0."""
    numbers = ", ".join(str(position + 1) for position in positions[:5])
    return Unprocessable(
        f"Not rated yet: step {numbers}{' and more' if len(positions) > 5 else ''}.",
        code="incomplete",
        fields={f"steps.{position}": "not rated" for position in positions},
    )


def bad_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.rating == -1)
