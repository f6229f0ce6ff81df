"""Strategies: their probes, labels, cost and accuracy. No database."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.core.statistics import wilson
from apps.estimation.strategies import STRATEGIES, full_options, strategy_of
from apps.estimation.strategies.base import Case, Counts, Strategy, StrategyLabels
from apps.estimation.strategies.posterior import Priors, posterior

WRONG = Case(6, {5: False})


def simulated(
    strategy: Strategy, case: Case, chances: Sequence[float], rng: random.Random
) -> tuple[StrategyLabels, int]:
    """The labels and the number of rollouts if a rollout from step i succeeds with probability `chances[i]`."""
    seen = [Counts() for _ in range(case.steps)]
    while probes := strategy.next(case, seen):
        for probe in probes:
            assert probe.rollouts > 0
            assert probe.position not in case.graded_positions
            hits = sum(rng.random() < chances[probe.position] for _ in range(probe.rollouts))
            old = seen[probe.position]
            seen[probe.position] = Counts(old.successes + hits, old.failures + probe.rollouts - hits)
    return strategy.read(case, seen), sum(counts.rollouts for counts in seen)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("error", range(6))
def test_with_a_perfect_completer_every_strategy_finds_the_first_error(name: str, error: int) -> None:
    strategy = strategy_of(name, {})
    chances = [1.0 if place < error else 0.0 for place in range(6)]
    reading, _ = simulated(strategy, WRONG, chances, random.Random(1))
    assert reading.first_error == error
    assert list(reading.hard) == [place < error for place in range(6)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_counts_lead_to_the_same_probes(name: str) -> None:
    seen = [Counts(1, 2), Counts(), Counts(0, 4), Counts(), Counts(), Counts()]
    assert strategy_of(name, {}).next(WRONG, seen) == strategy_of(name, {}).next(WRONG, seen)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_closed_step_is_not_probed(name: str) -> None:
    closed = [Counts(missing=9, is_closed=True)] * 6
    assert strategy_of(name, {}).next(WRONG, closed) == []
    reading = strategy_of(name, {}).read(WRONG, closed)
    assert len(reading.hard) == 6


def test_math_shepherd_rolls_out_every_step_but_the_last() -> None:
    reading, cost = simulated(strategy_of("math-shepherd", {"rollouts": 8}), WRONG, [0.5] * 6, random.Random(3))
    assert cost == 8 * 5
    assert reading.hard[5] is False


def test_math_shepherd_tops_up_what_is_missing() -> None:
    seen = [Counts(3, 2, missing=3), *[Counts(8, 0)] * 4, Counts()]
    assert [(probe.position, probe.rollouts) for probe in strategy_of("math-shepherd", {}).next(WRONG, seen)] == [
        (0, 3)
    ]


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.5, 0.9])
def test_early_stop_has_the_label_distribution_of_math_shepherd_at_the_cost_of_its_formula(chance: float) -> None:
    rng, steps, n, b = random.Random(5), 40, 8, 2
    case = Case(steps + 1, {steps: False})
    strategy = strategy_of("early-stop", {"rollouts": n, "wave": b})
    runs = [simulated(strategy, case, [chance] * (steps + 1), rng) for _ in range(100)]
    good = sum(sum(map(bool, reading.hard[:steps])) for reading, _ in runs) / (100 * steps)
    cost = sum(cost for _, cost in runs) / (100 * steps)
    assert good == pytest.approx(1 - (1 - chance) ** n, abs=0.03)
    assert cost == pytest.approx(b * (1 - (1 - chance) ** n) / (1 - (1 - chance) ** b), rel=0.05)


@pytest.mark.parametrize("steps", [2, 3, 8, 17])
def test_bisect_probes_at_most_log2_of_the_steps(steps: int) -> None:
    case, strategy = Case(steps, {steps - 1: False}), strategy_of("bisect", {})
    for error in range(steps):
        probed: set[int] = set()
        seen = [Counts() for _ in range(steps)]
        while probes := strategy.next(case, seen):
            for probe in probes:
                probed.add(probe.position)
                good = probe.position < error
                old = seen[probe.position]
                seen[probe.position] = Counts(
                    old.successes + good * probe.rollouts, old.failures + (not good) * probe.rollouts
                )
        assert len(probed) <= (steps - 1).bit_length()
        assert strategy.read(case, seen).first_error == error


def test_the_posterior_is_a_distribution_and_a_wrong_answer_rules_out_that_there_is_no_error() -> None:
    seen = [Counts(3, 1), Counts(0, 4), Counts(), Counts(), Counts(), Counts()]
    chances = posterior(WRONG, seen, Priors())
    assert sum(chances) == pytest.approx(1)
    assert chances[-1] == 0
    assert max(range(7), key=chances.__getitem__) == 1
    assert posterior(Case(6), seen, Priors())[-1] > 0


def test_the_posterior_is_that_of_its_formula() -> None:
    """Two steps, worked out by hand: B(1+1,1+0)/B(1,1) = 1/2, B(.5,10.5)/B(.5,9.5) = 9.5/10, and so on."""
    chances = posterior(Case(2), [Counts(1, 0), Counts(0, 1)], Priors())
    first = 0.5 * 9.5 / (10 * 11)  # Error in the first step: one success and one failure from a bad prefix.
    second = 0.5 * 0.95  # One success before, one failure after.
    neither = 1 / 6  # B(2, 2).
    total = first + second + neither
    assert chances == pytest.approx([first / total, second / total, neither / total])


def test_posterior_search_stops_when_it_is_sure_or_has_spent_what_it_may() -> None:
    strategy = strategy_of("posterior-search", {})
    reading, cost = simulated(strategy, WRONG, [1, 1, 1, 0, 0, 0], random.Random(1))
    assert reading.probability is not None
    assert reading.probability >= 0.9
    assert cost < 8 * 5
    _, cost = simulated(strategy, WRONG, [0.06] * 6, random.Random(2))
    assert cost <= 8 * 5


def accuracy(name: str, options: dict[str, Any], rng: random.Random) -> tuple[float, float, float]:
    """Step accuracy, exact first errors, rollouts per solution. Chances grow towards the end; bad prefixes never succeed."""
    strategy, steps, exact, cost, right = strategy_of(name, options), 8, 0, 0, 0
    case, count = Case(8, {7: False}), 1500
    for _ in range(count):
        error = rng.randrange(steps)
        start = rng.betavariate(1.2, 1.8)
        chances = [0.0 if place >= error else start + (1 - start) * place / steps for place in range(steps)]
        reading, spent = simulated(strategy, case, chances, rng)
        right += sum(bool(hard) == (place < error) for place, hard in enumerate(reading.hard))
        exact += reading.first_error == error
        cost += spent
    return right / count / steps, exact / count, cost / count


@pytest.mark.slow
def test_posterior_search_is_as_right_as_math_shepherd_at_half_its_rollouts_where_all_answers_are_wrong() -> None:
    steps, exact, cost = accuracy("math-shepherd", {"rollouts": 8}, random.Random(7))
    searched = accuracy("posterior-search", {}, random.Random(7))
    assert searched[0] >= steps - 0.005
    assert searched[1] >= exact - 0.005
    assert searched[2] <= 0.45 * cost


def test_soft_interval_samples_until_the_interval_is_as_narrow_as_asked_for() -> None:
    strategy = strategy_of("soft-interval", {"half_width": 0.2})
    seen = [Counts() for _ in range(6)]
    rng = random.Random(4)
    while probes := strategy.next(WRONG, seen):
        for probe in probes:
            hits = sum(rng.random() < 0.5 for _ in range(probe.rollouts))
            old = seen[probe.position]
            seen[probe.position] = Counts(old.successes + hits, old.failures + probe.rollouts - hits)
    for counts in seen[:5]:
        low, high = wilson(counts.successes, counts.rollouts)
        assert (high - low) / 2 <= 0.2 or counts.rollouts == 64


@pytest.mark.parametrize(("successes", "low", "high"), [(0, 0.0, 0.324), (4, 0.215, 0.785), (8, 0.676, 1.0)])
def test_wilson_intervals_of_eight_rollouts(successes: int, low: float, high: float) -> None:
    assert wilson(successes, 8) == pytest.approx((low, high), abs=5e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("math-shepherd", {"rollouts": 0}),
        ("early-stop", {"waves": 2}),
        ("posterior-search", {"doubt": 1}),
        ("magic", {}),
    ],
)
def test_invalid_options_are_named(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as caught:
        strategy_of(name, options)
    assert caught.value.fields


def test_a_run_freezes_the_defaults_too() -> None:
    assert full_options("math-shepherd", {}) == {"rollouts": 8}
    assert full_options("early-stop", {"rollouts": 16}) == {"rollouts": 16, "wave": 2}
