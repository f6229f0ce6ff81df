"""Records with every kind of rating, drawn by dice: small, and full of ties, gaps, alternatives and second thoughts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from apps.corpus.records import (
    ConsensusRating,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepCount,
    StepRating,
    StepRecord,
    VerdictRecord,
)
from apps.exports.policy import SOURCES, LabelPolicy

FINISH_REASONS = ("found_error", "solution", "bad_problem", "give_up")
STRATEGIES = ("math-shepherd", "binary-search", "adaptive")
# Texts that a file has to escape, and words that formats write themselves.
TEXTS = (
    "a",
    "b",
    'say "x" \\ y',
    "línea\nsecond\u2028",
    "Step 1: one",
    "step 2: two",
    "ки",
    "tab\tend",
    "\n\nHuman: hi",
)
Places = list[tuple[int, int]]


def random_record(dice: Random, *, number: int = 0) -> Record:
    length = dice.randint(1, 4)
    steps = [step for position in range(length) for step in _candidates(dice, position)]
    places = [(step.position, step.candidate) for step in steps]
    positions = range(length)
    return Record(
        problem=_problem(dice, number // 3),
        solution=SolutionRecord(
            steps=steps,
            external_id=f"solution-{number}",
            source=dice.choice(["model-a", "model-b", None]),
            is_correct=dice.choice([True, False, None]),
            separator=dice.choice(["\n", "\n\n"]),
        ),
        people=[_person(dice, places) for _ in range(dice.choice([0, 1, 1, 2, 3]))],
        gold=[
            GoldRating(position=position, rating=_rating(dice))
            for position in dice.sample(positions, dice.choice([0, 0, 1, length]))
        ],
        estimates=[
            EstimateRecord(run=run, completer="m", strategy=STRATEGIES[run % 3], steps=_counts(dice, positions))
            for run in range(dice.choice([0, 1, 1, 3]))
        ],
        judges=_judges(dice, places),
        # The last one is behind the end, and so labels nothing.
        machine_error=dice.choice([None, None, -1, 0, length - 1, length]),
    )


def _problem(dice: Random, number: int) -> ProblemRecord:
    extras: dict[str, Any] = {}
    if number % 4 == 3:
        extras["messages"] = [{"role": "user", "content": f"Question {number}?"}]
    statement = f"{TEXTS[number % len(TEXTS)]} {number}{chr(10) if number % 2 else ''}?"
    return ProblemRecord(statement=statement, subject=["Algebra", None][number % 2], extras=extras)


def _candidates(dice: Random, position: int) -> list[StepRecord]:
    count = dice.choice([1, 1, 2, 3])
    chosen = dice.randrange(count)
    return [
        StepRecord(
            position=position,
            candidate=candidate,
            text=dice.choice(TEXTS) + dice.choice(["", str(position)]),
            origin=dice.choice(["model", "model", "human"]),
            chosen=candidate == chosen,
        )
        for candidate in range(count)
    ]


def _rating(dice: Random) -> int:
    return dice.choice([1, 1, 0, -1])


def _person(dice: Random, places: Places) -> PersonRecord:
    hours = dice.choice([None, 0, 1, 2])
    rated = dice.sample(places, dice.randint(0, len(places)))
    return PersonRecord(
        labeler=dice.choice("xyz"),
        round=dice.choice([1, 2]),
        finish_reason=dice.choice(FINISH_REASONS) if dice.random() < 0.3 else "solution",
        submitted_at=None if hours is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours),
        is_quality_control=dice.random() < 0.1,
        is_screening=dice.random() < 0.1,
        steps=[_step_rating(dice, place) for place in sorted(rated)],
    )


def _step_rating(dice: Random, place: tuple[int, int]) -> StepRating:
    rating = dice.choice([1, 1, 0, -1, None])
    unsure = dice.choice([True, False, None]) if rating is None else dice.choice([False, None])
    return StepRating(position=place[0], candidate=place[1], rating=rating, unsure=unsure, chosen=dice.random() < 0.1)


def _counts(dice: Random, positions: range) -> list[StepCount]:
    counts: list[StepCount] = []
    for position in sorted(dice.sample(positions, dice.randint(1, len(positions)))):
        rollouts = dice.choice([None, 4, 4])
        hard = dice.choice([True, False]) if rollouts is None else dice.choice([None, None, True])
        successes = None if rollouts is None else dice.randint(0, rollouts)
        counts.append(StepCount(position=position, rollouts=rollouts, successes=successes, hard=hard))
    return counts


def _judges(dice: Random, places: Places) -> list[JudgeRecord]:
    names = dice.sample([("strict", 1, 1), ("strict", 2, 1), ("mild", 1, None), ("mild", 1, 2)], dice.choice([0, 1, 3]))
    return [
        JudgeRecord(
            judge=name,
            version=version,
            run=run,
            steps=[
                VerdictRecord(position=position, candidate=candidate, rating=_rating(dice))
                for position, candidate in sorted(dice.sample(places, dice.randint(1, len(places))))
            ],
        )
        for name, version, run in names
    ]


def with_consensus(dice: Random, record: Record) -> list[ConsensusRating]:
    """Consensus ratings, which a database computes by itself."""
    assert record.solution is not None
    return [
        ConsensusRating(
            position=step.position,
            rating=_rating(dice),
            how=dice.choice(["adjudicated", "majority"]),
            people=dice.choice([None, 0, 1, 2, 3]),
            is_thin=dice.random() < 0.3,
        )
        for step in record.solution.path()
        if dice.random() < 0.4
    ]


def random_policy(dice: Random, **values: Any) -> LabelPolicy:
    policy: dict[str, Any] = {
        "sources": dice.sample(SOURCES, dice.choice([1, 1, 2, 3, len(SOURCES)])),
        "neutral": dice.choice(["positive", "negative", "drop"]),
        "unsure": dice.choice(["drop", "positive", "negative"]),
        "after_first_error": dice.choice(["leave_out", "negative", "as_rated"]),
        "alternatives": dice.choice(["rows", "rows", "drop"]),
        "people": dice.choice(["majority", "each", "first"]),
        "finish_reasons": dice.choice([FINISH_REASONS[:2], FINISH_REASONS]),
        "quality_control": dice.choice(["keep", "drop"]),
        "screening": dice.choice(["keep", "drop"]),
        "suspended": dice.choice(["keep", "drop"]),
        "thin": dice.choice(["leave_out", "take"]),
        "soft_threshold": dice.choice([0.5, 0.25, 1]),
        "estimation_runs": dice.choice([[], [], [1, 2]]),
        "judges": dice.choice([[], [], ["strict v2"], ["mild"]]),
        "answers": dice.choice(["all", "all", "right"]),
        "duplicates": dice.choice(["keep", "drop_same_text"]),
        "generators": dice.choice([[], [], ["model-a"]]),
        "prompts": dice.choice(["standard", "conversational"]),
    }
    if {"human", "consensus"} & {*policy["sources"]}:
        policy["minimum_labels"] = dice.choice([0, 0, 2])
    if "human" in policy["sources"] and dice.random() < 0.3:
        policy["rounds"] = [1]
    return LabelPolicy.from_dict(policy | values)
