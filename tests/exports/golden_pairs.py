"""The records of the golden files of pairs: those of `golden_rows`, and comparisons of two of their problems."""

from __future__ import annotations

from apps.corpus.records import ComparisonRecord, ProblemRecord, Record, StepPlace
from tests.exports.golden_rows import RECORDS, SUM, TREES, solution
from tests.exports.test_pairs import prefers

DIALOGUE = ProblemRecord(
    statement="System: Be brief.\n\nHuman: Hi",
    extras={"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]},
)


def preferred(problem: ProblemRecord, left: str, right: str, *people: tuple[str, str]) -> Record:
    sides = ComparisonRecord(
        left=solution(left, verifier_score=0.75), right=solution(right, source="llama-70b", verifier_score=0.5)
    )
    said = [prefers(choice, margin, labeler=f"labeler {number}") for number, (choice, margin) in enumerate(people)]
    return Record(problem=problem, comparison=sides, people=said)


def compared_steps() -> Record:
    """Two candidates for the second step of one solution."""
    one = solution("We add.", "It is 1,234.", alternatives=[(1, "It is 1234 trees.")])
    sides = ComparisonRecord(left=one, left_step=StepPlace(1, 0), right_step=StepPlace(1, 1))
    return Record(problem=TREES, comparison=sides, people=[prefers("right", "slightly", labeler="labeler 0")])


PAIR_RECORDS = [
    *(record for record in RECORDS if record.problem is SUM),
    preferred(SUM, "It is 14.", "It is 20.", ("left", "significantly"), ("left", "clearly"), ("right", "slightly")),
    preferred(SUM, "14, as 12 + 2 is.", "It is 20.", ("tie", ""), ("tie", "")),
    preferred(SUM, "It is 14.", "It is 14. ", ("left", "")),
    *(record for record in RECORDS if record.problem is TREES),
    compared_steps(),
    preferred(TREES, "1,234.", "1,166.", ("left", "negligibly"), ("right", "clearly")),
    preferred(DIALOGUE, "Hello.", "Good day to you, my friend.", ("left", "")),
]
