"""The parts of the loop that need no torch; `make loop ARGS=--small` runs the others."""

from __future__ import annotations

import itertools

import numpy as np

from reasoner.checker import check
from reasoner.loop.curves import (
    NS,
    Sampled,
    best_curve,
    differences,
    distinct_solutions,
    majority_curve,
    pass_curve,
    summary,
)
from reasoner.loop.product import problem_row
from reasoner.problems import ANSWER, problems


def sampled(right: int, wrong: int) -> Sampled:
    """A problem with 64 samples; all right ones are the same text, and no two wrong ones have the same answer."""
    answers = ["7"] * right + [str(100 + number) for number in range(wrong)]
    lines = [[f"{ANSWER}{answer}"] for answer in answers]
    is_right = [True] * right + [False] * wrong
    return Sampled("How many?", lines, list(answers), is_right, [[own] for own in is_right])


def test_a_scorer_that_knows_reaches_pass_at_n_and_one_that_is_deceived_nothing() -> None:
    problem = sampled(right=4, wrong=60)
    knowing = best_curve([problem], [[float(own) for own in problem.is_right]])
    deceived = best_curve([problem], [[-float(own) for own in problem.is_right]])
    assert np.allclose(knowing, pass_curve([problem]))
    assert knowing[0, 0] == deceived[0, 0] == 4 / 64
    assert deceived[0, -1] == 0


def test_a_vote_counts_a_text_as_often_as_it_was_sampled() -> None:
    problem = sampled(right=4, wrong=60)
    assert len(distinct_solutions([problem])) == 61
    assert majority_curve([problem])[0, -1] == 1
    assert 0 < majority_curve([problem])[0, 2] < 0.3


def test_a_summary_has_the_mean_of_each_seed_and_an_interval_over_problems() -> None:
    sure, never = sampled(right=64, wrong=0), sampled(right=0, wrong=64)
    curves = [pass_curve([sure, never] * 20)] * 2
    own = summary(curves)
    assert own.mean == [0.5] * len(NS)
    assert own.seeds == [own.mean] * 2
    assert all(low < 0.5 < high for low, high in zip(own.low, own.high, strict=True))
    nothing = differences({"a": curves, "b": curves}, [("a", "b")])["a - b"]
    assert nothing.low == nothing.high == [0.0] * len(NS)


def test_problems_go_into_the_product_with_the_answer_that_the_checker_knows() -> None:
    for problem in itertools.islice(problems(5, held_out=True), 20):
        row = problem_row(problem)["problem"]
        assert check(row["statement"], []) == []
        assert row["reference_answer"] == str(problem.answer)
