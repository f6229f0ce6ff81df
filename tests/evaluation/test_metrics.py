"""The measures: closed forms against enumeration and simulation, scores against cases worked by hand."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.evaluation.metrics.best_of_n import best_of_n
from apps.evaluation.metrics.histograms import area_under_curve, score_histogram
from apps.evaluation.metrics.learning_curve import (
    LearningPoint,
    label_ratio,
    labels_to_reach,
    learning_curve,
)
from apps.evaluation.metrics.majority import DRAWS, NO_ANSWER, answer_classes, majority_at_n, vote_at_n
from apps.evaluation.metrics.pass_at_k import pass_at_k
from apps.evaluation.metrics.processbench import average_f1, first_errors_below
from apps.evaluation.metrics.reducers import reduce_scores
from apps.evaluation.metrics.step_scores import step_scores
from apps.evaluation.metrics.thresholds import Threshold, choose_threshold
from apps.quality.statistics.bootstrap import Measured
from apps.quality.statistics.first_error_score import first_error_score
from apps.scoring.reducers import Reducer, reduced

SAMPLES = st.lists(st.tuples(st.integers(0, 4), st.integers(NO_ANSWER, 3), st.booleans()), min_size=1, max_size=9)


def expected_over_subsets(size: int, n: int, outcome: object) -> float:
    """The mean outcome over all n-subsets, one by one."""
    return float(np.mean([outcome(list(chosen)) for chosen in combinations(range(size), n)]))  # type: ignore[operator]


@given(SAMPLES)
def test_best_of_n_is_the_mean_over_all_subsets(samples: list[tuple[int, int, bool]]) -> None:
    scores = np.array([score for score, *_ in samples], dtype=np.float64)
    right = np.array([is_right for *_, is_right in samples], dtype=np.float64)

    def outcome(chosen: list[int]) -> float:
        top = [place for place in chosen if scores[place] == scores[chosen].max()]
        return float(right[top].mean())

    ns = np.arange(1, len(samples) + 1)
    expected = [expected_over_subsets(len(samples), n, outcome) for n in ns.tolist()]
    assert best_of_n(scores, right, ns) == pytest.approx(expected, abs=1e-12)


@given(SAMPLES)
def test_the_majority_is_the_mean_over_all_subsets(samples: list[tuple[int, int, bool]]) -> None:
    classes = np.array([answer for _, answer, _ in samples])
    right = (classes == 2).astype(np.float64)

    def outcome(chosen: list[int]) -> float:
        votes = [classes[place] for place in chosen if classes[place] != NO_ANSWER]
        if not votes:
            return 0.0
        most = max(votes.count(answer) for answer in votes)
        winners = {answer for answer in votes if votes.count(answer) == most}
        return (2 in winners) / len(winners)

    ns = np.arange(1, len(samples) + 1)
    expected = [expected_over_subsets(len(samples), n, outcome) for n in ns.tolist()]
    assert majority_at_n(classes, right, ns) == pytest.approx(expected, abs=1e-12)


@given(SAMPLES)
def test_a_vote_with_equal_weights_is_the_majority(samples: list[tuple[int, int, bool]]) -> None:
    classes = np.array([answer for _, answer, _ in samples])
    right, ones = (classes == 2).astype(np.float64), np.ones(len(samples))
    ns = np.arange(1, len(samples) + 1)
    votes = [vote_at_n(classes, right, ones, n, rng=np.random.default_rng(0)) for n in ns.tolist()]
    assert [value for value, _ in votes] == pytest.approx(majority_at_n(classes, right, ns).tolist(), abs=1e-9)
    assert {variance for _, variance in votes} == {0.0}, "at most 400 subsets are enumerated"


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_mean_over_all_subsets(size: int, data: st.DataObject) -> None:
    right = np.arange(size) < data.draw(st.integers(0, size))
    ns = np.arange(1, size + 1)
    expected = [expected_over_subsets(size, n, lambda chosen: float(right[chosen].any())) for n in ns.tolist()]
    assert pass_at_k(size, int(right.sum()), ns) == pytest.approx(expected, abs=1e-12)


def test_closed_forms_equal_a_simulation_of_prm800ks_size() -> None:
    """1,860 samples, as PRM800K's figure 3; the majority in closed form of as many as fit into a float."""
    rng = np.random.default_rng(7)
    right = (rng.random(1860) < 0.3).astype(np.float64)
    scores = right + rng.normal(size=1860)
    classes = np.where(right == 1, 0, rng.integers(1, 12, 1860))
    ns = np.array([1, 10, 100])
    drawn = {n: np.array([rng.choice(1860, n, replace=False) for _ in range(4000)]) for n in ns.tolist()}
    chosen = {n: right[own[np.arange(4000), scores[own].argmax(axis=1)]].mean() for n, own in drawn.items()}
    assert best_of_n(scores, right, ns) == pytest.approx(list(chosen.values()), abs=0.025)
    assert pass_at_k(1860, int(right.sum()), ns) == pytest.approx(
        [right[own].any(axis=1).mean() for own in drawn.values()], abs=0.025
    )
    few, ns = classes[:1000], np.array([1, 4, 16])
    estimates = [vote_at_n(few, right[:1000], np.ones(1000), n, rng=rng) for n in ns.tolist()]
    exact = majority_at_n(few, right[:1000], ns)
    for (value, variance), expected in zip(estimates, exact.tolist(), strict=True):
        assert variance > 0
        assert abs(value - expected) < 5 * math.sqrt(variance) + 1 / DRAWS


def test_pass_at_k_stays_exact_where_binomials_overflow() -> None:
    assert pass_at_k(100_000, 1, np.array([50_000]))[0] == pytest.approx(0.5)
    assert pass_at_k(5, 5, np.array([1, 5])).tolist() == [1, 1]
    assert pass_at_k(5, 0, np.array([1, 5])).tolist() == [0, 0]


def test_samples_without_a_score_are_chosen_last() -> None:
    scores, right = np.array([np.nan, 0.1, np.nan]), np.array([1.0, 0.0, 1.0])
    assert best_of_n(scores, right, np.array([1, 2, 3])) == pytest.approx([2 / 3, 1 / 3, 0])


def test_a_weighted_vote_adds_the_scores_of_equal_answers() -> None:
    classes, right = np.array([0, 1, 1, NO_ANSWER]), np.array([1.0, 0.0, 0.0, 0.0])
    rng = np.random.default_rng(0)
    assert vote_at_n(classes, right, np.array([0.9, 0.4, 0.4, 5.0]), 4, rng=rng) == (1.0, 0.0)
    assert vote_at_n(classes, right, np.array([0.7, 0.4, 0.4, 5.0]), 4, rng=rng) == (0.0, 0.0)
    assert vote_at_n(np.array([NO_ANSWER]), np.array([0.0]), np.array([1.0]), 1, rng=rng) == (0.0, 0.0)


def test_answers_are_classes_by_equality_and_not_by_text() -> None:
    def equal(pairs: object) -> list[bool]:
        return [first.lower() == second.lower() for _, first, second in pairs]  # type: ignore[attr-defined]

    assert answer_classes([["a", "b", "A"], [], ["B", "c", "C", "b"]], equal) == [[0, 1, 0], [], [0, 1, 1, 0]]


# --- ProcessBench and PRMBench ----------------------------------------------------------------------------


def test_processbench_f1_of_a_case_worked_by_hand() -> None:
    """Four of five errors exactly named, one of two right solutions called correct: 2 * 0.8 * 0.5 / 1.3."""
    is_right = np.array([True, True, True, True, False, True, False])
    is_erroneous = np.array([True] * 5 + [False] * 2)
    score = first_error_score(is_right, is_erroneous, np.arange(7))
    assert (score.erroneous.value, score.correct.value) == (0.8, 0.5)
    assert score.f1.value == pytest.approx(0.8 / 1.3)
    assert (score.erroneous_count, score.correct_count) == (5, 2)
    assert score.f1.low is not None
    assert score.f1.high is not None
    assert score.f1.low < 0.8 / 1.3 < score.f1.high


def test_the_average_is_the_mean_of_the_parts_and_not_of_the_solutions() -> None:
    """F1 of 2/3 in the first part (1 and 0.5), 1 in the second; the third has no right solution and does not count."""
    is_right = np.array([True, True, False, True, True, True, True])
    is_erroneous = np.array([True, False, False, True, False, False, True])
    parts = np.array([0, 0, 0, 1, 1, 1, 2])
    assert average_f1(is_right, is_erroneous, np.arange(7), parts).value == pytest.approx((2 / 3 + 1) / 2)


def test_f1_is_zero_if_nothing_is_right_and_undefined_without_one_kind() -> None:
    wrong, erroneous = np.zeros(4, dtype=bool), np.array([True, True, False, False])
    assert first_error_score(wrong, erroneous, np.arange(4)).f1.value == 0
    alone = first_error_score(wrong, np.ones(4, dtype=bool), np.arange(4))
    assert (alone.f1.value, alone.correct.value, alone.erroneous.value) == (None, None, 0)
    nothing = first_error_score(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    assert (nothing.f1.value, nothing.f1.low) == (None, None)


def test_solutions_of_one_problem_are_resampled_together() -> None:
    is_right, is_erroneous = np.array([True] * 20 + [False] * 20), np.tile([True, False], 20)
    alone = first_error_score(is_right, is_erroneous, np.arange(40)).f1
    together = first_error_score(is_right, is_erroneous, np.repeat([0, 1, 2, 3], 10)).f1
    assert alone.high - alone.low < together.high - together.low  # type: ignore[operator]


def test_a_reward_model_names_the_first_step_below_the_threshold() -> None:
    scores = np.array([0.9, 0.4, 0.2, 0.9, 0.8, np.nan, 0.1, 0.3, np.nan])
    offsets = np.array([0, 3, 5, 7, 9])
    assert first_errors_below(scores, offsets, 0.5).tolist() == [1, NO_ERROR, UNKNOWN, 0]


def test_the_threshold_is_the_one_with_the_best_measure_and_nearest_to_one_half() -> None:
    scores = np.array([0.1, 0.2, 0.6, 0.7, np.nan])
    assert choose_threshold(None, scores, lambda threshold: float(0.15 < threshold < 0.55)).value == 0.5
    best = choose_threshold(None, scores, lambda threshold: float(threshold >= 0.65))
    assert best.chosen == "dev"
    assert 0.65 <= best.value < 0.66
    assert choose_threshold(0.3, scores, lambda threshold: 1.0) == Threshold(0.3, "given")
    assert choose_threshold(None, scores, lambda threshold: math.nan) == Threshold(0.5, "usual")
    assert choose_threshold(None, np.zeros(0), lambda threshold: 1.0) == Threshold(0.5, "usual")


def test_prm_score_of_a_case_worked_by_hand() -> None:
    """Of six good steps five called good, of two bad ones one called bad: F1 5/6, negative F1 1/2."""
    is_good = np.array([True] * 6 + [False] * 2)
    called_good = np.array([True] * 5 + [False] + [True, False])
    scores = step_scores(called_good, is_good, np.arange(8))
    assert scores.f1.value == pytest.approx(5 / 6)
    assert scores.negative_f1.value == pytest.approx(0.5)
    assert scores.prm_score.value == pytest.approx((5 / 6 + 0.5) / 2)
    assert scores.accuracy.value == pytest.approx(6 / 8)
    assert (scores.good.value, scores.bad.value) == (pytest.approx(5 / 6), 0.5)
    assert (scores.good_count, scores.bad_count) == (6, 2)


def test_a_rater_who_calls_every_step_good_has_a_low_prm_score() -> None:
    is_good = np.array([True] * 9 + [False])
    scores = step_scores(np.ones(10, dtype=bool), is_good, np.arange(10))
    assert scores.f1.value == pytest.approx(18 / 19)
    assert scores.prm_score.value == pytest.approx(9 / 19)


# --- scores -----------------------------------------------------------------------------------------------


def test_the_product_of_prm800ks_published_step_probabilities_is_its_prm_score(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "prm800k_scored_samples.jsonl").read_text().splitlines()]
    assert rows
    probabilities = [[step["0"] + step["1"] for step in row["rating_probs"]] for row in rows]
    offsets = np.concatenate(([0], np.cumsum([len(steps) for steps in probabilities])))
    scores = reduce_scores(np.concatenate(probabilities), offsets, Reducer.PRODUCT)
    assert scores.tolist() == [row["prm_score"] for row in rows], "to the last bit"


@given(
    st.lists(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=12), min_size=1, max_size=5),
    st.sampled_from(Reducer),
)
def test_reducers_of_arrays_are_those_of_scoring_runs(solutions: list[list[float | None]], reducer: Reducer) -> None:
    flat = np.array([math.nan if score is None else score for steps in solutions for score in steps])
    offsets = np.concatenate(([0], np.cumsum([len(steps) for steps in solutions])))
    for array_score, steps in zip(reduce_scores(flat, offsets, reducer).tolist(), solutions, strict=True):
        score = reduced(steps, reducer)
        assert math.isnan(array_score) if score is None else array_score == pytest.approx(score, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_the_area_is_the_share_of_pairs_in_order(items: list[tuple[int, bool]]) -> None:
    goods = [score for score, is_good in items if is_good]
    bads = [score for score, is_good in items if not is_good]
    area = area_under_curve(
        np.array([score for score, _ in items], dtype=np.float64), np.array([g for _, g in items], dtype=bool)
    )
    if not goods or not bads:
        assert area is None
    else:
        pairs = [(good > bad) + (good == bad) / 2 for good in goods for bad in bads]
        assert area == pytest.approx(np.mean(pairs))


def test_a_histogram_counts_every_score_once() -> None:
    scores, good = np.array([0.0, 0.5, 1.0, 0.26]), np.array([True, False, True, True])
    found = score_histogram(scores, good, bins=4)
    assert (found.good, found.bad) == ([1, 1, 0, 1], [0, 0, 1, 0])
    wide = score_histogram(np.array([-3.0, 5.0]), np.array([True, False]), bins=2)
    assert (wide.low, wide.high, wide.good, wide.bad) == (-3.0, 5.0, [1, 0], [0, 1])
    assert sum(score_histogram(np.zeros(0), np.zeros(0, dtype=bool)).good) == 0


# --- labels against F1 ------------------------------------------------------------------------------------


def curve_of(title: str, *points: tuple[int, float | None]) -> object:
    return learning_curve(
        title, [LearningPoint(f"{labels} labels", labels, Measured(f1, None, None, 10)) for labels, f1 in points]
    )


def test_a_selection_that_reaches_the_f1_of_random_labels_at_half_of_them() -> None:
    random = curve_of("random", (100, 0.2), (400, 0.4))
    convincing = curve_of("convincing", (50, 0.2), (200, 0.4), (100, 0.3), (20, None))
    assert [point.labels for point in convincing.points] == [50, 100, 200]  # type: ignore[attr-defined]
    assert labels_to_reach(random, 0.3) == pytest.approx(200), "halfway by the logarithm"  # type: ignore[arg-type]
    assert labels_to_reach(random, 0.5) is None  # type: ignore[arg-type]
    assert label_ratio(convincing, random) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert label_ratio(curve_of("none"), random) is None  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="labels"):
        curve_of("wrong", (0, 0.5))
