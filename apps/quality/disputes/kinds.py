"""The words of all sources on one solution side by side, and what they dispute. Pure."""

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
    MONTE_CARLO_GOLD = "monte_carlo_gold"
    MONTE_CARLO_JUDGE = "monte_carlo_judge"
    RIGHT_WITH_BAD_STEP = "right_with_bad_step"
    WRONG_WITHOUT_BAD_STEP = "wrong_without_bad_step"
    UNSURE = "unsure"
    CONVINCING_WRONG_ANSWER = "convincing_wrong_answer"


@dataclass(frozen=True, slots=True)
class Evidence:
    """First errors by source: a position, NO_ERROR, or UNKNOWN. `gold` holds every acceptable one.

    `misses_gold` says that a counted rating contradicts gold where gold speaks of steps and names no first error.

    `unsure` names who flagged a step. `score` is what a verifier thinks of the solution, in [0, 1].
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
class Word:
    source: Source
    name: str
    first_error: int


def side_by_side(evidence: Evidence) -> list[Word]:
    """Every word there is, the weightiest source first. Who cannot tell a first error stands there, too."""
    return [
        *(Word(Source.GOLD, "", one) for one in sorted(evidence.gold)),
        *([Word(Source.CONSENSUS, "", evidence.consensus)] if evidence.consensus != UNKNOWN else []),
        *(Word(Source.PERSON, name, one) for name, one in sorted(evidence.people.items())),
        *([Word(Source.MONTE_CARLO, "", evidence.monte_carlo)] if evidence.monte_carlo != UNKNOWN else []),
        *(Word(Source.JUDGE, name, one) for name, one in sorted(evidence.judges.items())),
    ]


def disputes(evidence: Evidence, convincing: float = CONVINCING) -> frozenset[Dispute]:
    """Every kind that the solution falls in. A wrong answer convinces from a score of `convincing` on."""
    mine = _known(evidence.people.values())
    agreed = {evidence.consensus} if evidence.consensus != UNKNOWN else mine
    rollouts, judges = evidence.monte_carlo, _known(evidence.judges.values())
    told = _standing(evidence)
    found = {
        Dispute.PEOPLE: len(mine) > 1,
        Dispute.PEOPLE_GOLD: contradicts_gold(evidence),
        Dispute.MONTE_CARLO_GOLD: rollouts != UNKNOWN and bool(evidence.gold) and rollouts not in evidence.gold,
        Dispute.PEOPLE_MONTE_CARLO: rollouts != UNKNOWN and bool(agreed) and rollouts not in agreed,
        Dispute.MONTE_CARLO_JUDGE: rollouts != UNKNOWN and bool(judges - {rollouts}),
        Dispute.RIGHT_WITH_BAD_STEP: evidence.is_correct is True and bool(told - {NO_ERROR}),
        Dispute.WRONG_WITHOUT_BAD_STEP: evidence.is_correct is False and NO_ERROR in told,
        Dispute.UNSURE: bool(evidence.unsure),
        Dispute.CONVINCING_WRONG_ANSWER: (
            evidence.is_correct is False and evidence.score is not None and evidence.score >= convincing
        ),
    }
    return frozenset(kind for kind, holds in found.items() if holds)


def contradicts_gold(evidence: Evidence) -> bool:
    """Whether somebody who counts, or what stands, names a first error that gold does not accept."""
    if not evidence.gold:
        return evidence.misses_gold
    return bool(_known([*evidence.people.values(), evidence.consensus]) - evidence.gold)


def _standing(evidence: Evidence) -> set[int]:
    """Whose words count against the answer: gold's alone, else the consensus, else everybody's.

    Gold that accepts both an error and none says nothing against the answer.
    """
    if evidence.gold:
        return set(evidence.gold) if NO_ERROR not in evidence.gold or len(evidence.gold) == 1 else set()
    if evidence.consensus != UNKNOWN:
        return {evidence.consensus}
    return _known([*evidence.people.values(), evidence.monte_carlo, *evidence.judges.values()])


def _known(words: Collection[int]) -> set[int]:
    return set(words) - {UNKNOWN}
