"""Grading pools. The pairs are those on which known graders differ or hang."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import psutil
import pytest

from apps.verifiers.base import TIME_LIMIT, Grade
from apps.verifiers.pool.pool import GradingPool
from apps.verifiers.registry import VERIFIERS, UnknownVerifier

LIMIT_S = 2.0


@pytest.fixture(scope="module")
def pool() -> Iterator[GradingPool]:
    with GradingPool(workers=2, limit_s=LIMIT_S) as pool:
        yield pool


def grading_children() -> set[psutil.Process]:
    """Of this process, which has other children too: the servers that its tests share."""
    return {
        one
        for one in psutil.process_iter(["ppid", "cmdline"])
        if one.info["ppid"] == os.getpid() and "apps.verifiers.pool.worker" in (one.info["cmdline"] or ())
    }


@pytest.mark.parametrize(
    ("verifier", "reference", "answer", "grade"),
    [
        ("math", r"-2+7i", "7i - 2", Grade.MATCH),
        ("math", r"\frac{1}{2}", "2/4", Grade.MATCH),
        ("math", r"\frac{1}{2}", "0.5", Grade.MATCH),
        ("math", r"2\sqrt{2}", r"\sqrt8", Grade.MATCH),
        ("math", "1024", "2^{10}", Grade.MATCH),
        ("math", "3/2", "1 1/2", Grade.MATCH),
        ("math", "1,2", "(1,2)", Grade.NO_MATCH),
        ("math", "1", "1_{3}", Grade.NO_MATCH),
        ("math", "x^2+1", "x^2-1", Grade.NO_MATCH),
        ("numeric", "1,234", "$1234.00", Grade.MATCH),
        ("numeric", "18", "18 dollars", Grade.MATCH),
        ("numeric", "29", "0.29", Grade.NO_MATCH),
        ("numeric", "29", "about thirty", Grade.NO_MATCH),
        ("numeric", "29", "nobody knows", Grade.UNPARSED),
        ("exact", "Paris", "Paris", Grade.MATCH),
        ("exact", "Paris", "London", Grade.NO_MATCH),
        ("choice", "B", "(B)", Grade.MATCH),
        ("choice", "B", "A", Grade.NO_MATCH),
    ],
)
def test_pairs(pool: GradingPool, verifier: str, reference: str, answer: str, grade: Grade) -> None:
    (graded,) = pool.grade_many([(verifier, reference, answer)])
    assert graded.grade == grade, graded
    assert (graded.verifier, bool(graded.version)) == (verifier, True)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_an_empty_answer_is_never_right(pool: GradingPool, verifier: str) -> None:
    for grade in pool.grade_many(
        [(verifier, "", ""), (verifier, "2", ""), (verifier, "2", "  "), (verifier, "2", None)]
    ):
        assert grade.grade is not Grade.MATCH


HANGING = [
    ("math", r"\sqrt{2}", "999999999!"),
    ("math", r"\frac{x}{2}", "9**9**9**9"),
    ("math", r"\frac{x}{2}", "9^{9^{9^{9}}}"),
    ("math", "1", r"\sum_{n=1}^{10^{12}} \frac{1}{n!} - e"),
]


def test_pairs_that_hang_other_graders_end_within_the_limit_and_the_rest_is_graded(pool: GradingPool) -> None:
    honest = [("math", str(number * (number + 1) // 2), f"\\sum_{{k=1}}^{{{number}}} k") for number in range(2, 12)]
    mixed = [pair for number, pair in enumerate(honest) for pair in (pair, HANGING[number % len(HANGING)])]
    grades = pool.grade_many(mixed)
    assert [grade.grade for grade in grades[::2]] == [Grade.MATCH] * len(honest)
    assert {(grade.grade, grade.reason) for grade in grades[1::2]} <= {
        (Grade.UNPARSED, TIME_LIMIT),
        (Grade.UNPARSED, "a number is too large to be computed"),
    }


def test_grading_works_off_the_main_thread(pool: GradingPool) -> None:
    grades: list[Grade] = []
    pairs = [("math", "15", r"\sum_{k=1}^{5} k")]
    thread = threading.Thread(target=lambda: grades.append(pool.grade_many(pairs)[0].grade))
    thread.start()
    thread.join(30)
    assert grades == [Grade.MATCH]


def test_a_child_that_is_killed_is_replaced(pool: GradingPool) -> None:
    pool.grade_many([("math", "91", r"\sum_{k=1}^{13} k")])
    graders = grading_children()
    assert graders
    for child in graders:
        child.kill()
    (grade,) = pool.grade_many([("math", "105", r"\sum_{k=1}^{14} k")])
    assert grade.grade is Grade.MATCH


@pytest.mark.slow
def test_a_closed_pool_leaves_no_process() -> None:
    before = grading_children()
    with GradingPool(workers=1) as own:
        own.grade_many([("math", "120", r"\sum_{k=1}^{15} k")])
        started = grading_children() - before
        assert started
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in started)


def test_an_unknown_verifier_is_named(pool: GradingPool) -> None:
    with pytest.raises(UnknownVerifier, match="guess"):
        pool.grade_many([("guess", "1", "1")])


def test_lone_surrogates_and_huge_texts_are_unparsed(pool: GradingPool) -> None:
    for answer in ("\ud800", "9" * 100_000, "(" * 5000, "\\frac{" * 2000):
        (grade,) = pool.grade_many([("math", "2", answer)])
        assert grade.grade is not Grade.MATCH
