"""The interface of the kinds of judging: readings in; requests, and finally a result, out. Pure and deterministic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from apps.inference.types import CompletionPrompt
from apps.judging.constitutions import Principle
from apps.judging.parsers import Reply, Shown, read_reply
from apps.judging.prompts import JudgePrompt
from apps.judging.verdicts import Reading

Outcome = Literal["verdict", "refusal", "unreadable", "tied", "inconsistent"]
OUTCOMES: tuple[Outcome, ...] = ("verdict", "refusal", "unreadable", "tied", "inconsistent")
Readings = Mapping[int, Reading]
NO_REFERENCE = "The problem has no reference answer or solution, which the prompt needs."


@dataclass(frozen=True, slots=True)
class SolutionCase:
    """A solution to be judged. `reference` is what `reference_text` makes; `seed` decides what is drawn by lot."""

    problem: str
    steps: tuple[str, ...]
    reference: str = ""
    separator: str = "\n\n"
    seed: int = 0

    @property
    def text(self) -> str:
        return self.separator.join(self.steps)


@dataclass(frozen=True, slots=True)
class ComparisonCase:
    """Two solutions of one problem, each whole: also those that share their first steps."""

    problem: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    reference: str = ""
    left_separator: str = "\n\n"
    right_separator: str = "\n\n"
    seed: int = 0

    @property
    def left_text(self) -> str:
        return self.left_separator.join(self.left)

    @property
    def right_text(self) -> str:
        return self.right_separator.join(self.right)


def reference_text(answer: str, solution: str) -> str:
    """The reference as prompts show it; empty without both."""
    parts = [f"The answer: {answer.strip()}"] if answer.strip() else []
    return "\n\n".join([*parts, solution.strip()] if solution.strip() else parts)


class Ask(msgspec.Struct, frozen=True):
    """One request. Slots number the requests of an item from 0; a slot is asked again by whoever finds it unreadable.

    `schema` is the JSON schema of the reply, or None. `principle` is the name of the principle that it asks about.
    """

    slot: int
    prompt: CompletionPrompt
    parser: str
    shown: Shown
    max_tokens: int
    temperature: float
    schema: Mapping[str, Any] | None = None
    principle: str = ""

    def read(self, reply: Reply) -> Reading:
        """The reading of a reply to this request. Never raises."""
        return read_reply(self.parser, reply, self.shown)


@dataclass(frozen=True, slots=True)
class PairResult:
    """The replies about one pair in both orders. `choice` is left, right or tie if both agree, else None.

    `margins` are those of both replies. `reason` is that of the reply in which A is the left side and B the right one.
    """

    outcome: Outcome
    sentence: str = ""
    choice: str | None = None
    margins: tuple[str, ...] = ()
    reason: str = ""
    principle: str = ""


@dataclass(frozen=True, slots=True)
class RevisedText:
    """One round of critique and revision. `is_changed`: the text differs from the one before it in more than white space."""

    principle: str
    critique: str
    text: str
    is_changed: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What the replies about one item come to. `sentence` says why there is no verdict, or where revising ended early.

    - `votes` counts the votes by first error, pass or fail, or choice; those without a verdict by their state.
    - `share` is that of the winner among all votes, or pairs of votes; None for a single one.
    - `ratings` and `reasons` are by position. A reason belongs to the rating.
    - `shown_first` counts how often the side that was shown first, second, or neither was preferred.
    - `is_consistent`: every pair of orders that can be read agrees.
    - `revisions` are kept up to the first that fails, whatever the outcome.
    """

    outcome: Outcome
    sentence: str = ""
    share: float | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    first_error: int | None = None
    ratings: Mapping[int, int] = field(default_factory=dict)
    reasons: Mapping[int, str] = field(default_factory=dict)
    passes: bool | None = None
    reason: str = ""
    choice: str | None = None
    margin: str | None = None
    is_consistent: bool | None = None
    shown_first: Mapping[str, int] = field(default_factory=dict)
    pairs: tuple[PairResult, ...] = ()
    principles: tuple[str, ...] = ()
    revisions: tuple[RevisedText, ...] = ()


class KindOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a kind, each with its bounds. Without a temperature it is 0 for one vote and 1 for several."""

    temperature: Annotated[float, Meta(ge=0, le=2, description="Sampling temperature of the judge.")] | None = None
    max_tokens: (
        Annotated[int, Meta(ge=1, le=131_072, description="Tokens of a reply, at most. Empty: as the prompt says.")]
        | None
    ) = None


class VoteOptions(KindOptions, frozen=True):
    votes: Annotated[int, Meta(ge=1, le=64, description="Replies for each item, of which the most frequent wins.")] = 1


CaseT = TypeVar("CaseT", bound=SolutionCase | ComparisonCase)
OptionsT = TypeVar("OptionsT", bound=KindOptions)


class Kind(ABC, Generic[CaseT, OptionsT]):
    """Decides by the readings so far what to ask next; nothing to ask: it is done.

    A reading that is passed in is final: a slot with an unreadable one is not asked again.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    of: ClassVar[Literal["solution", "comparison"]]
    option_type: ClassVar[type[KindOptions]]
    takes_principles: ClassVar[bool] = False

    def __init__(self, prompt: JudgePrompt, options: OptionsT, principles: Sequence[Principle] = ()) -> None:
        self.prompt = prompt
        self.options = options
        self.principles = tuple(principles)
        self._needs_reference = prompt.needs_reference

    @property
    @abstractmethod
    def requests(self) -> int:
        """How many replies an item takes, if each can be read at once."""

    @abstractmethod
    def asks(self, case: CaseT, readings: Readings) -> list[Ask]:
        """The requests that can be sent now, by slot. Those in flight are among them, as they have no reading."""

    @abstractmethod
    def result(self, case: CaseT, readings: Readings) -> Result:
        """What the readings come to. A slot without a reading counts as unreadable."""

    @property
    def temperature(self) -> float:
        return 0.0 if self.options.temperature is None else self.options.temperature

    def obstacle(self, case: CaseT) -> str:
        """Why the case cannot be judged, as a sentence; empty if it can."""
        if self._needs_reference and not case.reference.strip():
            return NO_REFERENCE
        return "" if all(text.strip() for text in _texts_of(case)) else "There is no step to judge."

    def _visible(self, case: CaseT) -> tuple[str, ...]:
        """The texts that the judge sees, which its reply may quote."""
        reference = (case.reference,) if self._needs_reference else ()
        return (case.problem, *_texts_of(case), *reference)

    def _ask(self, slot: int, prompt: CompletionPrompt, shown: Shown, *, parser: str = "", principle: str = "") -> Ask:
        return Ask(
            slot=slot,
            prompt=prompt,
            parser=parser or self.prompt.parser,
            shown=shown,
            max_tokens=self.options.max_tokens or self.prompt.max_tokens,
            temperature=self.temperature,
            schema=self.prompt.schema,
            principle=principle,
        )


def _texts_of(case: SolutionCase | ComparisonCase) -> tuple[str, ...]:
    return (case.text,) if isinstance(case, SolutionCase) else (case.left_text, case.right_text)
