"""The kinds of disputes, and which of them a solution is in by the first errors that its sources name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from apps.corpus.labels import NO_ERROR, UNKNOWN

CONVINCING = 0.5


class Source(StrEnum):
    GOLD = "gold"
    CONSENSUS = "consensus"
    PERSON = "person"
    MONTE_CARLO = "monte_carlo"
    JUDGE = "judge"


class Dispute(StrEnum):
    PEOPLE = "people"
    PEOPLE_GOLD = "people_gold"
    PEOPLE_MONTE_CARLO = "people_monte_carlo"
    PEOPLE_JUDGE = "people_judge"
    MONTE_CARLO_GOLD = "monte_carlo_gold"
    MONTE_CARLO_JUDGE = "monte_carlo_judge"
    RIGHT_WITH_BAD_STEP = "right_with_bad_step"
    WRONG_WITHOUT_BAD_STEP = "wrong_without_bad_step"
    UNSURE = "unsure"
    CONVINCING_WRONG_ANSWER = "convincing_wrong_answer"


# Those that tell what a model says of a solution, or may tell it where people and gold say nothing yet.
MODEL_DISPUTES = frozenset(Dispute) - {Dispute.PEOPLE, Dispute.PEOPLE_GOLD, Dispute.UNSURE}


@dataclass(frozen=True, slots=True)
class DisputeEvidence:
    """The labels of one solution by all sources. First errors are a position, NO_ERROR or UNKNOWN.

    `gold` holds every acceptable first error. `misses_gold`: a counted rating contradicts gold, where gold rates steps
    but names no first error. `unsure` names the labelers who flagged a step. `score` is the verifier's, in [0, 1].
    """

    people: Mapping[str, int] = field(default_factory=dict)
    unsure: Collection[str] = ()
    monte_carlo: int = UNKNOWN
    judges: Mapping[str, int] = field(default_factory=dict)
    gold: frozenset[int] = frozenset()
    misses_gold: bool = False
    consensus: int = UNKNOWN
    is_correct: bool | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class SourceFirstError:
    """The first error that one source names. `name` is the labeler's or the judge's."""

    source: Source
    name: str
    first_error: int


def source_first_errors(evidence: DisputeEvidence) -> list[SourceFirstError]:
    """The first errors of all sources, gold first. People and judges are listed also where theirs is UNKNOWN."""
    listed = [SourceFirstError(Source.GOLD, "", error) for error in sorted(evidence.gold)]
    if evidence.consensus != UNKNOWN:
        listed.append(SourceFirstError(Source.CONSENSUS, "", evidence.consensus))
    listed += [SourceFirstError(Source.PERSON, name, error) for name, error in sorted(evidence.people.items())]
    if evidence.monte_carlo != UNKNOWN:
        listed.append(SourceFirstError(Source.MONTE_CARLO, "", evidence.monte_carlo))
    listed += [SourceFirstError(Source.JUDGE, name, error) for name, error in sorted(evidence.judges.items())]
    return listed


def disputes_in(evidence: DisputeEvidence, convincing: float = CONVINCING) -> frozenset[Dispute]:
    """Every kind of dispute that the solution is in. A wrong answer is convincing from a score of `convincing` on."""
    people = _known(evidence.people.values())
    by_people = {evidence.consensus} if evidence.consensus != UNKNOWN else people
    monte_carlo, judges = evidence.monte_carlo, _known(evidence.judges.values())
    against_answer = _first_errors_against_answer(evidence)
    has_monte_carlo = monte_carlo != UNKNOWN
    holds = {
        Dispute.PEOPLE: len(people) > 1,
        Dispute.PEOPLE_GOLD: contradicts_gold(evidence),
        Dispute.MONTE_CARLO_GOLD: has_monte_carlo and bool(evidence.gold) and monte_carlo not in evidence.gold,
        Dispute.PEOPLE_MONTE_CARLO: has_monte_carlo and bool(by_people) and monte_carlo not in by_people,
        Dispute.PEOPLE_JUDGE: bool(by_people) and bool(judges - by_people),
        Dispute.MONTE_CARLO_JUDGE: has_monte_carlo and bool(judges - {monte_carlo}),
        Dispute.RIGHT_WITH_BAD_STEP: evidence.is_correct is True and bool(against_answer - {NO_ERROR}),
        Dispute.WRONG_WITHOUT_BAD_STEP: evidence.is_correct is False and NO_ERROR in against_answer,
        Dispute.UNSURE: bool(evidence.unsure),
        Dispute.CONVINCING_WRONG_ANSWER: (
            evidence.is_correct is False and evidence.score is not None and evidence.score >= convincing
        ),
    }
    return frozenset(kind for kind, is_in in holds.items() if is_in)


def contradicts_gold(evidence: DisputeEvidence) -> bool:
    """Whether a counted labeler, or the consensus, names a first error that gold does not accept."""
    if not evidence.gold:
        return evidence.misses_gold
    return bool(_known([*evidence.people.values(), evidence.consensus]) - evidence.gold)


def _first_errors_against_answer(evidence: DisputeEvidence) -> set[int]:
    """The first errors that the answer is compared with: gold's alone, else the consensus, else those of all sources.

    Gold that accepts both an error and no error contradicts no answer.
    """
    if evidence.gold:
        return set(evidence.gold) if NO_ERROR not in evidence.gold or len(evidence.gold) == 1 else set()
    if evidence.consensus != UNKNOWN:
        return {evidence.consensus}
    return _known([*evidence.people.values(), evidence.monte_carlo, *evidence.judges.values()])


def _known(first_errors: Collection[int]) -> set[int]:
    return set(first_errors) - {UNKNOWN}
