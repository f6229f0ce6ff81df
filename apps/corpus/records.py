"""What one row says, whatever file it came from and whatever file it goes to.

Readers turn a foreign row into a `Record`; the database is filled from records and read back into
them; export formats write them. So a format is one pure function in each direction, and every
format can be turned into every other. This module knows no Django.

They are msgspec structs and no dataclasses: an import makes about twenty of them for every solution,
and msgspec makes them in C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

Extras = Mapping[str, Any]


class ProblemRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A question. `reference_answer` may be wrong: PRM800K calls it the current guess."""

    statement: str
    external_id: str | None = None
    reference_answer: str | None = None
    reference_solution: str | None = None
    verifier: str | None = None
    subject: str | None = None
    level: str | None = None
    split: str | None = None
    extras: Extras = {}


class StepRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candidate text at a position (both from 0). `chosen` marks the solution's own path."""

    position: int
    candidate: int = 0
    text: str
    origin: str = "model"
    chosen: bool = True


class SolutionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt at a problem. `is_correct` is what the file claims; our verifier checks it again.

    `identity` says what makes two rows the same solution. When it is None, the source and the steps
    do. It is kept in the extras, so that it survives our own format.
    """

    steps: Sequence[StepRecord]
    external_id: str | None = None
    source: str | None = None
    final_answer: str | None = None
    is_correct: bool | None = None
    verifier_score: float | None = None
    separator: str = "\n"
    identity: str | None = None
    extras: Extras = {}

    def path(self) -> list[StepRecord]:
        """The chosen step at each position, in order."""
        return sorted((step for step in self.steps if step.chosen), key=lambda step: step.position)


class StepRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person's word on one candidate: +1 great, 0 okay, -1 bad, None not judged.

    `unsure` is None where the source does not say; that is not the same as False.
    """

    position: int
    candidate: int = 0
    rating: int | None
    unsure: bool | None = False
    chosen: bool = False


class PreferenceRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which side of a comparison somebody prefers (`left`, `right`, `tie`), and by how much where they say so."""

    choice: str
    margin: str = ""
    rationale: str = ""


class CritiqueWord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person said of a critique of a step, or wrote as one (`is_own`; such a one has no rating)."""

    position: int
    candidate: int = 0
    text: str
    origin: str = "model"
    source: str = ""
    rating: int | None = None
    is_own: bool = False


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One labeler's turn at one solution or comparison. `round` is None where the source numbers no rounds.

    A reviewer's correction is an entry of its own with the role `reviewer`: `corrects` names the labeler in whose place
    it stands, and the labeler's entry names the reviewer in `corrected_by`. `self_reviewed`: the reviewer had labeled
    the solution, which the project allows. `asked`: how many people are asked for what this one says, None where nobody
    else is; a file's rows ask for one.
    """

    labeler: str
    round: int | None = None
    protocol: str = "first_error"
    finish_reason: str | None = None
    reason: str = ""
    submitted_at: datetime | None = None
    active_ms: int | None = None
    is_quality_control: bool = False
    is_screening: bool = False
    is_suspended: bool = False
    role: str = "labeler"
    corrects: str | None = None
    corrected_by: str | None = None
    self_reviewed: bool = False
    asked: int | None = 1
    steps: Sequence[StepRating] = ()
    preference: PreferenceRecord | None = None
    progress: int | None = None
    critiques: Sequence[CritiqueWord] = ()
    extras: Extras = {}


class ComparisonRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two solutions side by side, or two candidates, by place, for a step after the same prefix.

    `right` is None where both candidates are of one solution.
    """

    left: SolutionRecord
    right: SolutionRecord | None = None
    left_step: tuple[int, int] | None = None
    right_step: tuple[int, int] | None = None
    external_id: str | None = None
    extras: Extras = {}

    def sides(self) -> tuple[SolutionRecord, SolutionRecord]:
        return self.left, self.right or self.left


class GoldRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rating that somebody vouches for, on the chosen step at `position`; `self_reviewed` as in `StandingRating`."""

    position: int
    rating: int
    self_reviewed: bool = False


class StandingRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rating that stands for the chosen step at `position`: `how` it was reached, and how sure that is, 0 to 1."""

    position: int
    rating: int
    how: str
    certainty: float = 0.0
    people: int | None = None
    is_thin: bool = False
    self_reviewed: bool = False


class StepCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Monte Carlo evidence for the prefix that ends at `position`.

    `hard` stands alone where a file has the published hard label and not the counts behind it.
    """

    position: int
    rollouts: int | None = None
    successes: int | None = None
    missing: int = 0
    hard: bool | None = None


class EstimateRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The step counts of one solution in one estimation run."""

    run: int | None = None
    completer: str | None = None
    strategy: str = "math-shepherd"
    steps: Sequence[StepCount] = ()


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A judge's word on one candidate: +1 great, 0 okay, -1 bad, and how sure it is of that, 0 to 1."""

    position: int
    candidate: int = 0
    rating: int
    confidence: float | None = None
    reason: str = ""


class JudgeRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one judge said of one solution in one run. `run` is None where the source numbers no runs."""

    judge: str
    version: int = 1
    run: int | None = None
    steps: Sequence[VerdictRecord] = ()

    @property
    def key(self) -> tuple[str, int, int | None]:
        return self.judge, self.version, self.run

    @property
    def names(self) -> tuple[str, str]:
        """What a policy may call it: by its name, whatever the version, or by both."""
        return self.judge, f"{self.judge} v{self.version}"


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row: a problem, a solution or a comparison or neither, and everything that was said about it.

    `ignored` names what the row holds and Annotate has no place for yet, so that nothing is
    dropped in silence.
    """

    problem: ProblemRecord
    solution: SolutionRecord | None = None
    comparison: ComparisonRecord | None = None
    people: Sequence[PersonRecord] = ()
    gold: Sequence[GoldRating] = ()
    consensus: Sequence[StandingRating] = ()
    estimates: Sequence[EstimateRecord] = ()
    judges: Sequence[JudgeRecord] = ()
    ignored: Sequence[str] = ()


class RowError(ValueError):
    """A row that cannot be used: which field, and why, in words for the person who mends it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


# Names stand in indexes, which hold a few thousand bytes and no more.
LONGEST_NAME = 500
LONGEST_STRATEGY = 30


def checked(record: Record) -> Record:
    """The record, if its names are no longer than names may be."""
    problem, solution = record.problem, record.solution or _NO_SOLUTION
    names = {
        "problem.external_id": problem.external_id,
        "problem.subject": problem.subject,
        "problem.level": problem.level,
        "solution.external_id": solution.external_id,
        "solution.source": solution.source,
    }
    for name, value in names.items():
        if value is not None and len(value) > LONGEST_NAME:
            raise RowError(name, f"has {len(value):,} characters; the limit is {LONGEST_NAME}")
    for place, estimate in enumerate(record.estimates):
        if len(estimate.strategy) > LONGEST_STRATEGY:
            raise RowError(f"monte_carlo[{place}].strategy", f"is longer than {LONGEST_STRATEGY} characters")
    return record


_NO_SOLUTION = SolutionRecord(steps=())
