"""Example rows of each format: one problem, a wrong and a right solution of it, and their labels. Pure."""

from __future__ import annotations

from typing import Any

from apps.corpus.records import (
    ComparisonRecord,
    CritiqueRecord,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    PreferenceRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepCount,
    StepRating,
    StepRecord,
    VerdictRecord,
)
from apps.exports.formats.base import Format, Row
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

EXAMPLE_POLICY = LabelPolicy()

_PROBLEM = ProblemRecord(
    external_id="sum", statement="What is 2 + 3 * 4?", reference_answer="14", verifier="math", subject="arithmetic"
)


def _steps(*texts: str) -> list[StepRecord]:
    return [StepRecord(position=place, text=text) for place, text in enumerate(texts)]


def _ratings(*ratings: int) -> list[StepRating]:
    return [StepRating(position=place, rating=rating) for place, rating in enumerate(ratings)]


_WRONG = SolutionRecord(
    external_id="sum/1",
    source="llama-7b",
    final_answer="15",
    is_correct=False,
    steps=[
        *_steps("We multiply first: 3 * 4 = 12.", "We add: 2 + 12 = 15.", "The answer is 15."),
        StepRecord(position=1, candidate=1, text="We add: 2 + 12 = 14.", chosen=False),
    ],
)
_RIGHT = SolutionRecord(
    external_id="sum/2",
    source="llama-7b",
    final_answer="14",
    is_correct=True,
    steps=_steps("3 * 4 = 12.", "2 + 12 = 14.", "The answer is 14."),
)
RECORDS = (
    Record(
        problem=_PROBLEM,
        solution=_WRONG,
        people=[
            PersonRecord(
                labeler="labeler-1",
                finish_reason="found_error",
                steps=[*_ratings(1, -1), StepRating(position=1, candidate=1, rating=1)],
                critiques=[CritiqueRecord(position=1, text="2 + 12 is 14, not 15.", origin="human", is_own=True)],
            )
        ],
        estimates=[
            EstimateRecord(
                run=1,
                completer="llama-7b",
                strategy="math-shepherd",
                steps=[
                    StepCount(position=place, rollouts=8, successes=successes)
                    for place, successes in enumerate((6, 0, 0))
                ],
            )
        ],
        judges=[
            JudgeRecord(
                judge="mild",
                steps=[
                    VerdictRecord(position=place, rating=1, reason=reason)
                    for place, reason in enumerate(("Products come first.", "This is the sum.", "It follows."))
                ],
            )
        ],
    ),
    Record(
        problem=_PROBLEM,
        solution=_RIGHT,
        people=[PersonRecord(labeler="labeler-1", finish_reason="solution", steps=_ratings(1, 1, 1))],
        gold=[GoldRating(position=place, rating=1) for place in range(3)],
    ),
    Record(
        problem=_PROBLEM,
        comparison=ComparisonRecord(left=_RIGHT, right=_WRONG),
        people=[
            PersonRecord(
                labeler="labeler-1",
                protocol="comparison",
                finish_reason="solution",
                preference=PreferenceRecord(choice="left", margin="clearly", rationale="The sum is right."),
            )
        ],
    ),
)


def example_rows(format_: Format) -> list[Row]:
    """The rows that the format makes of `RECORDS` with the default policy."""
    kinds = format_.kinds(EXAMPLE_POLICY)
    records = [record for record in RECORDS if ("solution" if record.solution else "comparison") in kinds]
    tally = Tally()
    if format_.by_problem:
        rows: Any = format_.problem_rows(records, EXAMPLE_POLICY, tally)
    else:
        rows = (row for record in records for row in format_.rows(record, EXAMPLE_POLICY, tally))
    return list(rows)
