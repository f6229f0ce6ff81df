"""The records that all formats share: a problem, a solution or a comparison, and the labels of its steps. Pure.

Readers turn a foreign row into a `Record`; the database is filled from records and read back into them; export formats
write them. A format is therefore one pure function in each direction, and every format can be converted to every other.

The structs also declare Annotate's own row (`canonical_row`): its keys in their order, types and ranges. A field whose
encoded name begins with an underscore is not in that row. The ranges apply where a row is converted, not where a
reader makes a struct. An import makes about twenty structs for each solution, which msgspec does in C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.corpus.labels import CHOICES, FINISH_REASONS, LONGEST_COMMENT, MARGINS

ORIGINS = ("model", "human")
PROTOCOLS = ("first_error", "every_step", "branching", "comparison")
LARGEST_DOUBLE = 1.7976931348623157e308

Extras = Mapping[str, Any]


def _one_of(*values: str) -> Meta:
    return Meta(pattern=rf"\A(?:{'|'.join(values)})\Z", description=f"one of {', '.join(values)}")


# Far beyond any solution; a typing error stays small.
Position = Annotated[int, Meta(ge=0, le=100_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Number = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Rating = Annotated[int, Meta(ge=-1, le=1, description="a rating of -1, 0 or 1")]
Share = Annotated[float, Meta(ge=0, le=1)]
FiniteFloat = Annotated[
    float, Meta(ge=-LARGEST_DOUBLE, le=LARGEST_DOUBLE, description="a number that a double can hold")
]
FullText = Annotated[str, Meta(pattern=r"\S", description="a text that is not blank")]
Name = Annotated[
    str, Meta(pattern=r"\S", max_length=200, description="a text that is not blank, of at most 200 characters")
]
Origin = Annotated[str, _one_of(*ORIGINS)]


class ProblemRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A question. `reference_answer` may be wrong: PRM800K calls it the current guess."""

    external_id: str | None = None
    statement: FullText
    reference_answer: str | None = None
    reference_solution: str | None = None
    verifier: str | None = None
    subject: str | None = None
    level: str | None = None
    split: str | None = None
    extras: Extras = {}


class StepRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candidate text at a position (both from 0). `chosen` marks the solution's own path."""

    position: Position
    candidate: Position = 0
    text: FullText
    origin: Origin = "model"
    chosen: bool = True


class SolutionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attempt at a problem. `is_correct` is what the file claims; our verifier checks it again."""

    external_id: str | None = None
    source: str | None = None
    final_answer: str | None = None
    is_correct: bool | None = None
    verifier_score: FiniteFloat | None = None
    separator: str = "\n"
    steps: Annotated[Sequence[StepRecord], Meta(min_length=1)]
    extras: Extras = {}

    @property
    def identity(self) -> str | None:
        """What makes two rows the same solution; None where the source and the steps do.

        It is in the extras, where our own row keeps it.
        """
        identity = self.extras.get("identity")
        return None if identity is None else str(identity)

    def path(self) -> list[StepRecord]:
        """The chosen step at each position, in order."""
        return sorted((step for step in self.steps if step.chosen), key=lambda step: step.position)


class StepRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person's rating of one candidate: +1 great, 0 okay, -1 bad, None not judged.

    `unsure` is None where the source does not say; that is not the same as False.
    """

    position: Position
    candidate: Position = 0
    rating: Rating | None = None
    unsure: bool | None = False
    chosen: bool = False
    comment: Annotated[
        str, Meta(max_length=LONGEST_COMMENT, description=f"a text of at most {LONGEST_COMMENT} characters")
    ] = ""


class PreferenceRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which side of a comparison a person prefers (`left`, `right`, `tie`), and by how much where the source says so."""

    choice: Annotated[str, _one_of(*CHOICES)]
    margin: Annotated[
        str, Meta(pattern=rf"\A(?:|{'|'.join(MARGINS)})\Z", description=f"one of {', '.join(MARGINS)}, or empty")
    ] = ""
    rationale: str = ""


class CritiqueRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person's rating of a critique of a step, or a critique that they wrote (`is_own`, which has no rating)."""

    position: Position
    candidate: Position = 0
    text: FullText
    origin: Origin = "model"
    source: str = ""
    rating: Rating | None = None
    is_own: bool = False


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One assignment: what one labeler submitted for one solution or comparison.

    `round` is None where the source numbers no rounds. A reviewer's correction is an entry of its own with the role
    `reviewer`: `corrects` names the labeler whose ratings it replaces, and the labeler's entry names the reviewer in
    `corrected_by`. `self_reviewed`: the reviewer had labeled the solution, which the project allows. `redundancy`: how
    many people are to label the same; None where no other labeler is asked. The rows of a file require one.
    """

    labeler: Name
    round: Annotated[int, Meta(ge=-1000, le=1_000_000)] | None = None
    protocol: Annotated[str, _one_of(*PROTOCOLS)] = "first_error"
    finish_reason: Annotated[str, _one_of(*FINISH_REASONS)] | None = None
    reason: str = ""
    submitted_at: datetime | None = None
    active_ms: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    is_quality_control: bool = False
    is_screening: bool = False
    is_suspended: bool = False
    role: str = "labeler"
    corrects: str | None = None
    corrected_by: str | None = None
    self_reviewed: bool = False
    steps: Sequence[StepRating] = ()
    progress: Rating | None = None
    critiques: Sequence[CritiqueRecord] = ()
    preference: PreferenceRecord | None = None
    extras: Extras = {}
    redundancy: int | None = msgspec.field(default=1, name="_redundancy")


class StepPlace(msgspec.Struct, frozen=True, gc=False):
    """One candidate of a solution, by its place."""

    position: Position
    candidate: Position = 0


class ComparisonRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two solutions side by side, or two candidates for a step after the same prefix, by their places.

    `right` is None where both candidates are of one solution.
    """

    external_id: str | None = None
    left: SolutionRecord
    right: SolutionRecord | None = None
    left_step: StepPlace | None = None
    right_step: StepPlace | None = None
    extras: Extras = {}

    def sides(self) -> tuple[SolutionRecord, SolutionRecord]:
        return self.left, self.right or self.left


class GoldRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rating that its source vouches for, on the chosen step at `position`; `self_reviewed` as in `ConsensusRating`.

    `explanation` says why the step has this rating; training rounds show it.
    """

    position: Position
    rating: Rating
    self_reviewed: bool = False
    explanation: Annotated[str, Meta(max_length=10_000)] = ""


class ConsensusRating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The consensus on the chosen step at `position`: `how` it was reached, and its certainty from 0 to 1."""

    position: Position
    rating: Rating
    how: str
    certainty: Share = 0.0
    people: int | None = None
    is_thin: bool = False
    self_reviewed: bool = False


class StepCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Monte Carlo evidence for the prefix that ends at `position`.

    `hard` is without counts where a file has only the published hard label.
    """

    position: Position
    rollouts: Count | None = None
    successes: Count | None = None
    missing: Count = 0
    hard: bool | None = None


class EstimateRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The step counts of one solution in one estimation run."""

    run: Number | None = None
    completer: str | None = None
    strategy: FullText = "math-shepherd"
    steps: Sequence[StepCount] = ()


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A judge's verdict on one candidate: +1 great, 0 okay, -1 bad, and its confidence from 0 to 1."""

    position: Position
    candidate: Position = 0
    rating: Rating
    confidence: Share | None = None
    reason: str = ""


class JudgeRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The verdicts of one judge on one solution in one run. `run` is None where the source numbers no runs."""

    judge: Name
    version: Number = 1
    run: Number | None = None
    steps: Sequence[VerdictRecord] = ()

    @property
    def key(self) -> tuple[str, int, int | None]:
        return self.judge, self.version, self.run

    @property
    def names(self) -> tuple[str, str]:
        """What a policy may call it: by its name, whatever the version, or by both."""
        return self.judge, f"{self.judge} v{self.version}"


class UndecidedRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That a judge's run names no first error of a solution. `older` is how many of the record's `judges` come before it."""

    judge: str
    version: int = 1
    older: int


class JudgePreference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a judge says of a comparison in one run.

    `outcome` is `verdict`, or why there is no `choice`. `prompt` is the prompt's name and version. `share` is that of the
    choice among the judge's votes; None for a single one. `principles` are the names of those that it was asked about.
    """

    judge: str
    version: int = 1
    prompt: str = ""
    outcome: str = "verdict"
    choice: str = ""
    margin: str = ""
    share: float | None = None
    principles: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, str]:
        return self.judge, f"{self.judge} v{self.version}"


class ReplyRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A reply of a judge about the steps of a solution, whole, with the ratings that were read from it, by position.

    `key` is that of the judge's run among the record's `judges`. `saw_reference`: its prompt showed the reference.
    """

    key: tuple[str, int, int | None]
    text: str
    ratings: Mapping[int, int]
    saw_reference: bool = False

    @property
    def names(self) -> tuple[str, str]:
        judge, version, _ = self.key
        return judge, f"{judge} v{version}"


class RevisionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a solution came about: the text of the `original`, and the principles by which the judge changed it, in order."""

    judge: str
    version: int = 1
    original: str
    principles: Sequence[str]

    @property
    def names(self) -> tuple[str, str]:
        return self.judge, f"{self.judge} v{self.version}"


class StepScoreRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A reward model's score of the chosen step at `position`: how likely it is right."""

    position: Position
    score: Share


class ScoreRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The scores of one solution by one reward model in one run. `run` is None where the source numbers no runs."""

    scorer: Name
    run: Number | None = None
    steps: Sequence[StepScoreRecord] = ()

    @property
    def key(self) -> tuple[str, int | None]:
        return self.scorer, self.run


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row: a problem, a solution or a comparison or neither, and all labels, counts, verdicts and scores.

    `ignored` names what the row holds and Annotate does not store, so that nothing is dropped silently. A record of the
    database has the addresses of its solution (of its problem, for a comparison) and of its problem, and, where they are
    asked for, what judges say of the comparison, their replies, the revisions that ended in the solution, and the first
    error by the project's applied cascade. `undecided` are runs of its judges without a verdict.
    """

    problem: ProblemRecord
    solution: SolutionRecord | None = None
    comparison: ComparisonRecord | None = None
    people: Sequence[PersonRecord] = ()
    gold: Sequence[GoldRating] = ()
    consensus: Sequence[ConsensusRating] = ()
    estimates: Sequence[EstimateRecord] = ()
    judges: Sequence[JudgeRecord] = ()
    undecided: Sequence[UndecidedRecord] = ()
    scores: Sequence[ScoreRecord] = ()
    judge_preferences: Sequence[JudgePreference] = ()
    replies: Sequence[ReplyRecord] = ()
    revisions: Sequence[RevisionRecord] = ()
    machine_error: int | None = None
    ignored: Sequence[str] = ()
    address: str = ""
    problem_address: str = ""


class RowError(ValueError):
    """A row that cannot be used: the field, and the reason as a text for the person who corrects the file."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


# Names are indexed, and an index entry holds only a few thousand bytes.
LONGEST_NAME = 500
LONGEST_STRATEGY = 30


def checked(record: Record) -> Record:
    """Returns the record unchanged. Raises RowError where a name is too long."""
    problem, solution = record.problem, record.solution
    names = {
        "problem.external_id": problem.external_id,
        "problem.subject": problem.subject,
        "problem.level": problem.level,
    }
    if solution is not None:
        names |= {"solution.external_id": solution.external_id, "solution.source": solution.source}
    for name, value in names.items():
        if value is not None and len(value) > LONGEST_NAME:
            raise RowError(name, f"has {len(value):,} characters; the limit is {LONGEST_NAME}")
    for place, estimate in enumerate(record.estimates):
        if len(estimate.strategy) > LONGEST_STRATEGY:
            raise RowError(f"monte_carlo[{place}].strategy", f"is longer than {LONGEST_STRATEGY} characters")
    return record
