"""What all protocols share: options, the context of a task, and the checks of ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec
from msgspec import Meta

from apps.core.errors import Unprocessable
from apps.corpus.labels import BAD, FINISH_REASONS, LONGEST_COMMENT, RATINGS
from apps.labeling.protocols.candidate_tree import CandidateTree
from apps.labeling.protocols.submission import Submission, SubmittedStep

LEFT_EARLY = ("give_up", "bad_problem")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a protocol, stored in the round; each numeric option states its bounds.

    `FOR_LABELERS` lists the options that shape a labeler's work. The others say how tasks are chosen and made, and
    labelers do not see them: that a pair is a right and a wrong solution would answer the question.
    """

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset()


class SamplingOptions(Options, frozen=True):
    """How candidates are sampled from the round's endpoint."""

    candidates: Annotated[int, Meta(ge=1, le=8)] = 4
    temperature: Annotated[float, Meta(ge=0, le=2)] = 1.0
    max_tokens: Annotated[int, Meta(ge=8, le=4096)] = 256


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a submission is checked against. Positions and candidates count from 0.

    - `path`: the candidate on the solution's own path at each position.
    - `options`: the round's protocol options.
    - `is_pair`: the task compares two sides, and no steps are rated.
    - `tree`: the texts of all candidates, where the protocol needs them.
    - `alternatives`: places (position, candidate) off the path that may be rated too.
    - `critiques`: the ids of the critiques that may be rated, by position.
    """

    path: Mapping[int, int] = field(default_factory=dict)
    options: Any = None
    is_pair: bool = False
    tree: CandidateTree = field(default_factory=CandidateTree)
    alternatives: frozenset[tuple[int, int]] = frozenset()
    critiques: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def is_on_path(self, step: SubmittedStep) -> bool:
        return step.candidate == self.path.get(step.position)


class LabelingProtocol(Protocol):
    """A way to label one task. `of` is the kind of task that it takes, and `options` the class of its options."""

    name: ClassVar[str]
    title: ClassVar[str]
    hint: ClassVar[str]
    of: ClassVar[Literal["solution", "comparison"]]
    options: ClassVar[type[Options]]

    def check(self, submission: Submission, context: TaskContext) -> None:
        """Raises Unprocessable, naming the fields, unless the submission is finished and valid."""


def check_shape(submission: Submission, context: TaskContext) -> None:
    """What every protocol requires: known steps, each rated once, valid values, and a reason where one is needed."""
    fields = ending_errors(submission)
    if submission.preference is not None and not context.is_pair:
        fields["preference"] = "allowed only in a comparison"
    rated: set[tuple[int, int]] = set()
    for index, step in enumerate(submission.steps):
        place = (step.position, step.candidate)
        if not context.is_on_path(step) and place not in context.alternatives:
            fields[f"steps[{index}]"] = f"the task has no step {step.position}, candidate {step.candidate}"
        elif step.text is not None:
            fields[f"steps[{index}]"] = "this protocol does not accept steps written by labelers"
        elif place in rated:
            fields[f"steps[{index}]"] = "rated twice"
        elif step.rating is not None and step.rating not in RATINGS:
            fields[f"steps[{index}]"] = "the rating must be -1, 0, 1 or null"
        elif len(step.comment.strip()) > LONGEST_COMMENT:
            fields[f"steps[{index}].comment"] = f"must have at most {LONGEST_COMMENT} characters"
        rated.add(place)
    if fields:
        raise Unprocessable("The submission is not valid.", fields=fields)


def ending_errors(submission: Submission) -> dict[str, str]:
    """The errors of the finish reason and its explanation, by field."""
    fields: dict[str, str] = {}
    if submission.finish_reason not in FINISH_REASONS:
        fields["finish_reason"] = f"must be one of {', '.join(FINISH_REASONS)}"
    if submission.finish_reason in LEFT_EARLY and not submission.reason.strip():
        fields["reason"] = "required"
    return fields


def answered_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.is_answered)


def check_step_order(submission: Submission) -> None:
    """Raises Unprocessable unless the rated steps are the first ones without a gap: steps are reached in order.

    Whoever gives up may leave a comment on the step that they could not rate.
    """
    left_early = submission.finish_reason in LEFT_EARLY
    for expected, position in enumerate(answered_positions(submission)):
        if expected != position:
            raise missing_ratings([expected])
    unanswered = sorted(
        step.position for step in submission.steps if not step.is_answered and not (left_early and step.comment.strip())
    )
    if unanswered:
        raise missing_ratings(unanswered)


def missing_ratings(positions: Sequence[int]) -> Unprocessable:
    """The error for steps without a rating. Its message counts steps from 1, its fields from 0."""
    numbers = ", ".join(str(position + 1) for position in positions[:5])
    return Unprocessable(
        f"Not rated yet: step {numbers}{' and more' if len(positions) > 5 else ''}.",
        code="incomplete",
        fields={f"steps.{position}": "not rated" for position in positions},
    )


def bad_positions(submission: Submission) -> list[int]:
    return sorted(step.position for step in submission.steps if step.rating == BAD)
