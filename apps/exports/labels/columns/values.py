"""The share of successful rollouts of each step, with its interval: the values of a process reward model. Pure."""

from __future__ import annotations

import polars as pl

from apps.core.statistics import Z95
from apps.exports.labels.columns.frames import LabelFrames
from apps.exports.labels.columns.sources import newest_counts
from apps.exports.policy import LabelPolicy

# By step; null where no rollout was counted.
VALUES = ("values", "rollouts", "value_lows", "value_highs")
ADVANTAGES = "advantages"


def step_values(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """The columns of VALUES for each of `frames.steps`, by the newest selected run whose shares are unbiased.

    A strategy that stops at a success, or searches, has shares that say nothing of the step.
    """
    counts = newest_counts(frames, policy, is_soft=True)
    trials = pl.col("rollouts").cast(pl.Float64)
    low, high = wilson_expr(pl.col("successes") / trials, trials)
    values = counts.select(
        "key",
        values=pl.col("successes") / trials,
        rollouts=pl.col("rollouts").cast(pl.Int64),
        value_lows=low,
        value_highs=high,
    )
    return frames.steps.select("key").join(values, on="key", how="left", maintain_order="left").select(VALUES)


def wilson_expr(share: pl.Expr, trials: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """`core.statistics.wilson`, of shares of at least one trial."""
    spread = Z95 * (share * (1 - share) / trials + Z95 * Z95 / (4 * trials * trials)).sqrt()
    middle, scale = share + Z95 * Z95 / (2 * trials), 1 + Z95 * Z95 / trials
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return pl.max_horizontal(low, pl.lit(0.0)), pl.min_horizontal(high, pl.lit(1.0))
