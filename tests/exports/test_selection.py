"""Which solutions of a problem an export takes: duplicates, balance, a cap; and on which side of a split a problem is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.exports.labels.selection import Candidate, select_solutions, selects_solutions
from apps.exports.policy import LabelPolicy, PolicyError, split_of
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import make_problem, make_solution

_keys = count()


def candidate(text: str = "", *, is_correct: bool | None = True, source: str | None = "m") -> Candidate:
    key = next(_keys)
    return Candidate(key, text or f"text {key}", is_correct, source)


def left_out(candidates: Sequence[Candidate], **policy: Any) -> dict[int, str]:
    return dict(select_solutions("What?", candidates, LabelPolicy.from_dict(policy)))


def test_by_default_no_solution_is_looked_at() -> None:
    assert not selects_solutions(LabelPolicy())
    assert left_out([candidate("a"), candidate("a")]) == {}
    for key, value in (("duplicates", "drop_same_text"), ("balance", "answers"), ("solutions_per_problem", 2)):
        assert selects_solutions(LabelPolicy.from_dict({key: value})), key


@pytest.mark.parametrize(
    ("duplicates", "dropped"), [("keep", []), ("drop_same_text", [1]), ("drop_same_steps", [1, 2])]
)
def test_of_duplicates_the_first_stays(duplicates: str, dropped: list[int]) -> None:
    candidates = [
        candidate("One.\nTwo."),
        candidate("One.\nTwo.", source="other"),
        candidate("One. \n\n Two."),
        candidate("Two."),
    ]
    assert list(left_out(candidates, duplicates=duplicates)) == [candidates[place].key for place in dropped]


def test_a_cap_takes_the_same_solutions_whatever_their_order_and_numbers() -> None:
    candidates = [candidate() for _ in range(9)]
    kept = {one.text for one in candidates} - {
        one.text for one in candidates if one.key in left_out(candidates, solutions_per_problem=4)
    }
    assert len(kept) == 4
    renumbered = [Candidate(100 - one.key, one.text, one.is_correct, one.source) for one in reversed(candidates)]
    reasons = left_out(renumbered, solutions_per_problem=4)
    assert {one.text for one in renumbered if one.key not in reasons} == kept
    assert set(reasons.values()) == {"more than solutions_per_problem"}
    other = left_out(candidates, solutions_per_problem=4, split_seed="another")
    assert {one.text for one in candidates if one.key not in other} != kept


def test_balance_leaves_as_many_right_as_wrong() -> None:
    right = [candidate() for _ in range(5)]
    wrong = [candidate(is_correct=False) for _ in range(3)]
    unknown = candidate(is_correct=None)
    reasons = left_out([*right, *wrong, unknown], balance="answers")
    assert sum(one.key in reasons for one in right) == 2
    assert not any(one.key in reasons for one in wrong)
    assert reasons[unknown.key] == "it is unknown whether the answer is right, which balance needs"
    reasons = left_out([*right, *wrong], balance="answers", solutions_per_problem=4)
    assert [sum(one.key not in reasons for one in group) for group in (right, wrong)] == [2, 2]
    assert sorted(reasons.values()) == [
        *["more right than wrong solutions of the problem, or the reverse"] * 2,
        *["more than solutions_per_problem"] * 2,
    ]


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"balance": "answers", "solutions_per_problem": 3}, "solutions_per_problem"),
        ({"balance": "answers", "answers": "right"}, "balance"),
        ({"balance": "labels"}, "balance"),
        ({"duplicates": "drop"}, "duplicates"),
        ({"solutions_per_problem": -1}, "solutions_per_problem"),
        ({"solutions_per_problem": 1_000_001}, "solutions_per_problem"),
        ({"contamination": ["a\x00"]}, "contamination"),
    ],
)
def test_a_selection_that_cannot_be_made_is_refused_by_its_key(policy: dict[str, Any], key: str) -> None:
    with pytest.raises(PolicyError) as refused:
        LabelPolicy.from_dict(policy)
    assert refused.value.key == key


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.sampled_from(["a", "b", "c", "a ", "a b", "a  b", ""]),
        is_correct=st.sampled_from([True, False, None]),
        source=st.sampled_from(["x", "y", None]),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(
    candidates=CANDIDATES,
    cap=st.integers(0, 4).map(lambda half: 2 * half),
    balance=st.sampled_from(["none", "answers"]),
    duplicates=st.sampled_from(["keep", "drop_same_text", "drop_same_steps"]),
)
def test_whatever_the_solutions_the_rules_hold(
    candidates: list[Candidate], cap: int, balance: str, duplicates: str
) -> None:
    reasons = left_out(candidates, solutions_per_problem=cap, balance=balance, duplicates=duplicates)
    kept = [one for one in candidates if one.key not in reasons]
    assert len(kept) + len(reasons) == len(candidates)
    assert not cap or len(kept) <= cap
    if balance == "answers":
        assert (
            sum(one.is_correct is True for one in kept) == sum(one.is_correct is False for one in kept) == len(kept) / 2
        )
    if duplicates != "keep":
        assert len({one.text for one in kept}) == len(kept)
    if duplicates == "drop_same_steps":
        assert len({tuple(one.text.split()) for one in kept}) == len(kept)


# --- in an export -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["orm", "annotate"])
def test_an_export_counts_the_solutions_that_the_policy_does_not_take(project: Project, format_: str) -> None:
    for _ in range(2):
        problem = make_problem(project)
        for number in range(4):
            make_solution(problem, ["Same." if number < 2 else f"{number}."], is_correct=number % 2 == 0)
    policy = {"duplicates": "drop_same_text", "solutions_per_problem": 2}
    export = run_export(export_id=create_export(project=project, format=format_, policy=policy).pk)
    assert export.manifest is not None
    assert export.rows == 4
    assert export.manifest["counts"]["left_out"] == {
        "solutions: more than solutions_per_problem": 2,
        "solutions: the same text as another solution of the problem": 2,
    }


# --- splits -----------------------------------------------------------------------------------------------

HALVES = LabelPolicy(splits={"train": 0.5, "test": 0.5})
STATEMENTS = ["What is 1 + 1?", "Löse x² = 4 für x.", "Was kostet der Café-Besuch?", "计算一加一。", "???"]
VARIANTS = [
    lambda text: f"  {text}\n",
    lambda text: text.replace(" ", "\u00a0 "),
    lambda text: text.replace(" ", "\n\t"),
    lambda text: text.upper(),
    lambda text: text.replace("?", " ?"),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: text.replace("1 + 1", "1+1"),
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("variant", range(len(VARIANTS)))
def test_a_statement_that_differs_only_in_its_form_is_in_the_same_split(statement: str, variant: int) -> None:
    for seed in range(20):
        policy = LabelPolicy(splits={"train": 0.5, "test": 0.5}, split_seed=str(seed))
        assert split_of(VARIANTS[variant](statement), policy) == split_of(statement, policy)


@given(st.text(max_size=60), st.sampled_from([" ", "\n", "\t", "\u00a0", "\u3000"]))
def test_white_space_never_moves_a_problem_to_another_split(statement: str, space: str) -> None:
    assert split_of(space.join(["", *statement.split(), ""]), HALVES) == split_of(statement, HALVES)


def test_problems_that_differ_in_an_operator_or_a_number_are_not_one() -> None:
    statements = [f"What is {number} {sign} 1?" for number in range(40) for sign in "+-*/"]
    assert {split_of(statement, HALVES) for statement in statements} == {"train", "test"}
    signs = [{split_of(f"What is {number} {sign} 1?", HALVES) for sign in "+-"} for number in range(40)]
    assert any(len(found) == 2 for found in signs)
