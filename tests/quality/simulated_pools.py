"""Simulated projects for the cascade: pools whose wrong machine labels are known, and what is chosen for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.quality.cascade.threshold import Promise, ThresholdChoice, choose_tau
from apps.quality.statistics.ratings import Bools, Floats


@dataclass(frozen=True, slots=True)
class Pool:
    posteriors: Floats  # NaN where machines do not agree.
    is_sampled: Bools
    is_wrong: Bools

    def wrong_share(self, tau: float, *, remaining: bool = True) -> float:
        """Of the solutions at tau that machines label, or of all at tau."""
        eligible = self.posteriors >= tau
        if remaining:
            eligible &= ~self.is_sampled
        return float(self.is_wrong[eligible].mean())


@dataclass(frozen=True, slots=True)
class Outcome:
    """`exceeds` and `exceeds_overall`: the true share of wrong ones is above alpha, of the remaining and of all."""

    is_granted: bool
    machine_share: float
    exceeds: bool
    exceeds_overall: bool


def mixed_pool(rng: np.random.Generator, size: int, sample: int) -> Pool:
    """Judges of any quality: machines agree on half to nearly all; posteriors from timid to overconfident."""
    agrees = rng.random(size) < rng.uniform(0.5, 0.95)
    log_odds = rng.normal(rng.uniform(1.5, 4.5), rng.uniform(1, 2), size)
    posteriors = 1 / (1 + np.exp(-log_odds))
    level, slope = rng.uniform(-0.7, 2.0), rng.uniform(0.2, 1.2)
    risk = 1 / (1 + np.exp(level + slope * np.clip(log_odds, 0, None)))
    return drawn(rng, np.where(agrees & (posteriors >= 0.5), posteriors, np.nan), rng.random(size) < risk, sample)


def bad_pool(rng: np.random.Generator, size: int, sample: int, alpha: float) -> Pool:
    """At each tau just more than alpha are wrong: any tau granted is a broken promise."""
    posteriors = rng.uniform(0.5, 1, size)
    order, is_wrong, wrong = np.argsort(-posteriors), np.zeros(size, dtype=np.bool_), 0
    for count, place in enumerate(order.tolist(), start=1):
        is_wrong[place] = wrong <= alpha * count
        wrong += is_wrong[place]
    return drawn(rng, posteriors, is_wrong, sample)


def drawn(rng: np.random.Generator, posteriors: Floats, is_wrong: Bools, sample: int) -> Pool:
    is_sampled = np.zeros(len(posteriors), dtype=np.bool_)
    is_sampled[rng.choice(len(posteriors), sample, replace=False)] = True
    return Pool(posteriors, is_sampled, is_wrong)


def chosen_for(pool: Pool, promise: Promise) -> ThresholdChoice:
    """What the project can know: labels of the sample alone."""
    return choose_tau(pool.posteriors, pool.is_sampled, pool.is_wrong & pool.is_sampled, promise)


def outcome_of(pool: Pool, promise: Promise) -> Outcome:
    granted = chosen_for(pool, promise).granted
    if granted is None:
        return Outcome(is_granted=False, machine_share=0.0, exceeds=False, exceeds_overall=False)
    return Outcome(
        is_granted=True,
        machine_share=granted.machine_share,
        exceeds=pool.wrong_share(granted.tau) > promise.alpha,
        exceeds_overall=pool.wrong_share(granted.tau, remaining=False) > promise.alpha,
    )
