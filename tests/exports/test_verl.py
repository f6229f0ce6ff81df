"""Problems and step rewards in verl's columns, and the reward functions of the docs, which are run as they are printed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from apps.corpus.records import EstimateRecord, ProblemRecord, Record, StepCount
from apps.exports.labels.ground_truths import GSM8K, MATH, data_source, ground_truth, unfit_reason
from apps.exports.policy import PolicyError
from apps.exports.tally import Tally
from tests.exports.golden_rows import SUM, exported, gold, person, rollouts, solution

DOCS = Path(__file__).parents[2] / "docs" / "export-formats.md"


def problem(answer: str | None, verifier: str = "math", **fields: Any) -> ProblemRecord:
    return ProblemRecord(statement="How many?", reference_answer=answer, verifier=verifier, **fields)


def snippet(name: str) -> dict[str, Any]:
    """The names that the docs' code block with this file name defines."""
    (code,) = re.findall(rf"```python\n# {name}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    with NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        return runpy.run_path(file.name)


# --- ground truths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("1,234", "1234"),
        ("-1,234,567.5", "-1234567.5"),
        ("$1,234$", "1234"),
        (r"\$5,600", "5600"),
        (r"\boxed{42}", "42"),
        (r"$\boxed{1,\!234}$", "1234"),
        ("1{,}234", "1234"),
        ("114,200 dollars", "114200 dollars"),
        (r"12 \text{ cm}", r"12 \text{ cm}"),
        (r"(1,234)", "(1,234)"),
        (r"\{1,200\}", r"\{1,200\}"),
        ("3, 4, 5", "3, 4, 5"),
        ("12,345,67", "12,345,67"),
        ("0,100", "0,100"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (None, ""),
    ],
)
def test_a_ground_truth_is_what_reward_functions_compare(answer: str | None, truth: str) -> None:
    assert ground_truth(problem(answer)) == truth


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (problem(None), "without a reference answer"),
        (problem(" $ "), "without a reference answer"),
        (problem(r"\boxed{}"), "without a reference answer"),
        (problem("a few", "numeric"), "whose reference answer cannot be parsed"),
        (problem("7 km", "numeric", extras={"gsm8k": {}}), "of GSM8K whose reference answer is not a plain number"),
        (problem("7", "numeric", extras={"gsm8k": {}}), ""),
        (problem("(1,234)"), ""),
        (problem("blue", "exact"), ""),
    ],
)
def test_an_answer_that_cannot_be_compared_leaves_the_problem_out(one: ProblemRecord, reason: str) -> None:
    assert unfit_reason(one) == reason
    tally = Tally()
    rows = exported("verl", [Record(problem=one, solution=solution("It is so."))], tally)
    assert len(rows) == (not reason)
    assert tally.left_out == ({f"problems: {reason}": 1} if reason else {})


def test_only_problems_that_come_from_a_data_set_have_its_name() -> None:
    assert data_source(problem("7", "numeric", extras={"gsm8k": {"answer": "#### 7"}})) == GSM8K
    assert data_source(problem("7", external_id="test/intermediate_algebra/1994.json")) == MATH
    assert data_source(problem("7", external_id="gsm8k-7")) == "annotate/math"
    assert data_source(problem("7", "numeric")) == "annotate/numeric"


# --- rows -------------------------------------------------------------------------------------------------


def test_a_problem_is_one_row_however_many_solutions_it_has() -> None:
    records = [Record(problem=SUM, solution=solution(text)) for text in ("One.", "Two.")]
    (row,) = exported("verl", records)
    assert row["prompt"][-1]["content"].startswith(SUM.statement)
    assert row["reward_model"] == {"style": "rule", "ground_truth": "14"}


def test_the_prompt_asks_for_the_form_that_the_reward_function_looks_for() -> None:
    of_gsm8k = problem("7", "numeric", extras={"gsm8k": {}})
    (row,) = exported("verl", [Record(problem=of_gsm8k, solution=solution("7."))])
    assert row["prompt"][-1]["content"].endswith("such as: #### 42")
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    dialogue = problem("7", extras={"messages": messages})
    (row,) = exported("verl", [Record(problem=dialogue, solution=solution("7."))])
    assert [message["role"] for message in row["prompt"]] == ["user", "assistant", "user"]
    assert row["prompt"][-1]["content"] == r"Write the final answer in \boxed{}."


def test_a_dialogue_with_a_role_that_no_template_knows_is_counted() -> None:
    one = problem("7", extras={"messages": [{"role": "sage", "content": "x"}]})
    tally = Tally()
    assert exported("verl", [Record(problem=one, solution=solution("7."))], tally, rewards="steps") == []
    assert tally.left_out == {
        "problems: the dialogue has the role 'sage', which chat templates do not have": 1,
        "solutions: of problems that are left out": 1,
    }


def test_steps_have_the_rewards_of_their_labels() -> None:
    record = Record(problem=SUM, solution=solution("A.", "B.", "C."), people=[person("a", 1, 0, -1)])
    (row,) = exported("verl", [record], rewards="steps", neutral="own_class")
    assert row["extra_info"]["step_rewards"] == [1.0, 0.5, 0.0]
    assert row["extra_info"]["steps"] == ["A.", "B.", "C."]
    assert row["extra_info"]["label_source"] == "human"
    tally = Tally()
    assert exported("verl", [Record(problem=SUM, solution=solution("A."))], tally, rewards="steps") == []
    assert tally.left_out == {"solutions: no source of the policy labels them": 1}


def test_soft_rewards_are_shares_of_the_newest_run_that_has_unbiased_ones() -> None:
    runs = [rollouts(1, 8, 2), rollouts(2, 4, 6), rollouts(3, 1, 1, strategy="binary-search"), EstimateRecord(run=4)]
    record = Record(problem=SUM, solution=solution("A.", "B."), estimates=runs)
    soft = {"rewards": "steps", "sources": ["monte_carlo_soft"]}
    (row,) = exported("verl", [record], **soft)
    assert row["extra_info"]["step_rewards"] == [0.5, 0.75]
    (row,) = exported("verl", [record], estimation_runs=[1], soft_threshold=0.25, **soft)
    assert row["extra_info"]["step_rewards"] == [1.0, 0.25]
    own_answer = EstimateRecord(run=1, steps=[*rollouts(1, 4).steps, StepCount(position=1, hard=True)])
    (row,) = exported("verl", [Record(problem=SUM, solution=solution("A.", "B."), estimates=[own_answer])], **soft)
    assert row["extra_info"]["step_rewards"] == [0.5, 1.0]


def test_an_alternative_makes_no_row() -> None:
    one = solution("A.", alternatives=[(0, "B.")])
    record = Record(problem=SUM, solution=one, people=[person("a", 1, also=[(0, 1, -1)])])
    tally = Tally()
    assert len(exported("verl", [record], tally, rewards="steps", sources=["human"])) == 1
    assert tally.left_out == {"ratings: alternatives, which make no row in verl": 1}


# --- the docs' reward functions ---------------------------------------------------------------------------

REPLIES = [
    ("[0] Fine.\n[1] No.\n\n\\boxed{1}", 1.0),
    (r"First \boxed{0}, but no: \boxed{ 1 }.", 1.0),
    (r"First \boxed{1}, but no: \boxed{0}.", 0.0),
    (r"\boxed{1} and then \boxed{nothing}", 0.0),
    (r"\boxed{-1}", 0.0),
    ("Step 1 is wrong.", 0.0),
    ("", 0.0),
]


@pytest.mark.parametrize(("reply", "reward"), REPLIES)
def test_the_reward_of_a_verifier_for_grpo(reply: str, reward: float) -> None:
    (row,) = exported("verifier-rl", [Record(problem=SUM, solution=solution("A.", "B."), gold=gold(1, -1))])
    function = snippet("first_error_reward.py")["first_error_reward"]
    as_messages = [[{"role": "assistant", "content": reply}]]
    assert function(completions=as_messages, **{name: [value] for name, value in row.items()}) == [reward]
    assert function(completions=[reply], answer=[row["answer"]]) == [reward]


@pytest.mark.parametrize(("reply", "reward"), REPLIES)
def test_the_reward_of_a_verifier_for_verl(reply: str, reward: float) -> None:
    (row,) = exported("verifier-rl", [Record(problem=SUM, solution=solution("A.", "B."), gold=gold(1, -1))])
    assert scored(row, reply) == reward


@pytest.mark.parametrize(
    ("answer", "reply", "reward"),
    [
        ("1,234", r"\boxed{1234}", 1.0),
        ("1234", r"So it is $\boxed{1,234}$.", 1.0),
        (r"\frac{1}{2}", r"\boxed{\frac{1}{2}}", 1.0),
        (r"\frac{1}{2}", r"\boxed{ \frac{1}{2} }", 1.0),
        (r"\$5", r"\boxed{\$5}", 1.0),
        ("5", r"\boxed{6}", 0.0),
        ("5", r"\boxed{5", 0.0),
        ("5", "It is 5.", 0.0),
    ],
)
def test_the_reward_of_an_answer_for_verl(answer: str, reply: str, reward: float) -> None:
    (row,) = exported("verl", [Record(problem=problem(answer), solution=solution("A."))])
    assert scored(row, reply) == reward


def scored(row: dict[str, Any], reply: str) -> float:
    """As verl calls it: with the row's data source, ground truth and extra_info."""
    score: float = snippet("annotate_rewards.py")["compute_score"](
        data_source=row["data_source"],
        solution_str=reply,
        ground_truth=row["reward_model"]["ground_truth"],
        extra_info=row["extra_info"],
    )
    return score


def test_a_step_after_the_first_error_has_no_soft_reward_where_the_policy_calls_it_negative() -> None:
    record = Record(problem=SUM, solution=solution("A.", "B.", "C."), estimates=[rollouts(1, 8, 1, 7)])
    soft = {"rewards": "steps", "sources": ["monte_carlo_soft"]}
    (row,) = exported("verl", [record], after_first_error="negative", **soft)
    assert row["extra_info"]["step_rewards"] == [1.0, 0.125, 0.0]
    (row,) = exported("verl", [record], after_first_error="as_rated", **soft)
    assert row["extra_info"]["step_rewards"] == [1.0, 0.125, 0.875]


def test_shares_of_success_are_not_mixed_with_labels_of_other_sources() -> None:
    with pytest.raises(PolicyError, match="combine: must be solution"):
        exported("verl", [], rewards="steps", sources=["human", "monte_carlo_soft"], combine="step")
