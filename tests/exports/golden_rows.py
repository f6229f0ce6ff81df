"""Golden files of exports: the rows of `RECORDS` in each format and under each policy switch that touches it.

`WRITE_GOLDEN=1 pytest tests/exports/test_golden.py` writes them again; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from apps.corpus.records import (
    CritiqueRecord,
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
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

GOLDEN = Path(__file__).parent / "golden"


def solution(*texts: str, source: str = "llama-7b", alternatives: Sequence[tuple[int, str]] = (), **fields: Any) -> Any:
    steps = [StepRecord(position=place, text=text) for place, text in enumerate(texts)]
    others = [
        StepRecord(position=place, candidate=number, text=text, chosen=False)
        for number, (place, text) in enumerate(alternatives, 1)
    ]
    return SolutionRecord(steps=[*steps, *others], source=source, **fields)


def person(name: str, *ratings: int | None, **fields: Any) -> PersonRecord:
    steps = [StepRating(position=place, rating=rating) for place, rating in enumerate(ratings)]
    others = [
        StepRating(position=place, candidate=number, rating=rating) for place, number, rating in fields.pop("also", ())
    ]
    finish = "found_error" if -1 in ratings else "solution"
    return PersonRecord(labeler=name, finish_reason=finish, steps=[*steps, *others], **fields)


def judge(name: str, *verdicts: tuple[int, str]) -> JudgeRecord:
    steps = [VerdictRecord(position=place, rating=rating, reason=text) for place, (rating, text) in enumerate(verdicts)]
    return JudgeRecord(judge=name, steps=steps)


def rollouts(run: int, *successes: int, of: int = 8, strategy: str = "math-shepherd") -> EstimateRecord:
    steps = [StepCount(position=place, rollouts=of, successes=count) for place, count in enumerate(successes)]
    return EstimateRecord(run=run, strategy=strategy, steps=steps)


def gold(*ratings: int) -> list[GoldRating]:
    return [GoldRating(position=place, rating=rating) for place, rating in enumerate(ratings)]


SUM = ProblemRecord(external_id="sum", statement="What is 2 + 3 * 4?", reference_answer="14", verifier="math")
TREES = ProblemRecord(
    external_id="trees",
    statement="A wood has 1,200 oaks and 34 firs. How many trees are there?",
    reference_answer="$1,234$",
    verifier="numeric",
    extras={"gsm8k": {"answer": "1200 + 34 = 1234\n#### 1,234"}},
)
BANK = ProblemRecord(statement="Why is the river's bank steep?", verifier="exact")

RECORDS = [
    # Wrong at the second step by gold. One labeler agrees with it, the other is too early.
    Record(
        problem=SUM,
        solution=solution(
            "We multiply first: 3 * 4 = 12.",
            "We add: 2 + 12 = 15.",
            "The answer is 15.",
            alternatives=[(1, "We add: 2 + 12 = 14."), (1, "We add the rest.")],
            external_id="sum/1",
            final_answer="15",
            is_correct=False,
        ),
        people=[
            person(
                "ada",
                1,
                -1,
                also=[(1, 1, 1), (1, 2, 0)],
                critiques=[
                    CritiqueRecord(position=1, text="2 + 12 is 14, not 15.", origin="human", is_own=True),
                    CritiqueRecord(position=1, text="The sum is off by one.", source="critic-7b", rating=1),
                    CritiqueRecord(position=1, text="The order is wrong.", source="critic-7b", rating=-1),
                    CritiqueRecord(position=1, text="Something is wrong.", source="critic-7b", rating=0),
                ],
            ),
            person(
                "bob",
                -1,
                critiques=[CritiqueRecord(position=0, text="One adds first.", origin="human", is_own=True)],
            ),
        ],
        gold=gold(1, -1),
        estimates=[rollouts(1, 6, 0, 0)],
        judges=[
            judge("mild", (1, "Products come first."), (1, "This is the sum."), (1, "")),
            judge(
                "strict",
                (1, "Multiplication comes first."),
                (-1, "2 + 12 = 14. The step has 15."),
                (-1, "15 is wrong."),
            ),
            judge("boxer", (1, ""), (-1, r"Wrong, so \boxed{1}."), (-1, "")),
            judge("silent", (1, ""), (-1, " "), (-1, "")),
        ],
    ),
    # Right, with the same beginning. One of two labelers finds it only okay.
    Record(
        problem=SUM,
        solution=solution(
            "We multiply first: 3 * 4 = 12.",
            "We add: 2 + 12 = 14.",
            "The answer is 14.",
            source="llama-70b",
            external_id="sum/2",
            final_answer="14",
            is_correct=True,
        ),
        people=[person("ada", 1, 1, 1), person("bob", 1, 0, 1)],
        estimates=[rollouts(1, 6, 8, 8)],
        judges=[judge("mild", (1, "Products come first."), (1, "This is the sum."), (1, "Yes."))],
    ),
    # Rated by rollouts alone; its answer is right, but its first step is not.
    Record(
        problem=SUM,
        solution=solution("2 + 3 = 5.", "So 5 * 4 - 6 = 14.", external_id="sum/3", final_answer="14", is_correct=True),
        estimates=[rollouts(1, 0, 8)],
    ),
    # Nobody has looked at it.
    Record(problem=SUM, solution=solution("It is 14.", external_id="sum/4", final_answer="14", is_correct=True)),
    Record(
        problem=TREES,
        solution=solution("1200 + 34 = 1234.", "There are 1,234 trees.", final_answer="1,234", is_correct=True),
        people=[person("ada", 1, None)],
    ),
    Record(problem=BANK, solution=solution("The water digs.", is_correct=None), people=[person("bob", 0)]),
]


def exported(
    format_: str, records: Iterable[Record], tally: Tally | None = None, **policy: Any
) -> list[dict[str, Any]]:
    """The rows of records in the order of their problems, as JSON has them."""
    chosen = LabelPolicy.from_dict(policy)
    FORMATS[format_].check(chosen)
    counts = tally if tally is not None else Tally()
    rows: list[dict[str, Any]] = []
    for _, of_problem in groupby(records, key=lambda record: record.problem.statement):
        rows += FORMATS[format_].problem_rows(list(of_problem), chosen, counts)
    return [json.loads(json.dumps(row)) for row in rows]


def check_golden(name: str, rows: Sequence[dict[str, Any]]) -> None:
    path = GOLDEN / f"{name}.jsonl"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows
