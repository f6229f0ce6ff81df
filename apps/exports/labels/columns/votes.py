"""How many raters of each source call a step bad, okay or great: lists beside its labels. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from apps.corpus.labels import BAD, GREAT, OKAY
from apps.exports.labels.columns.frames import LabelFrames
from apps.exports.labels.columns.sources import newest_counts, ratings_that_count, read, verdicts_of_judges
from apps.exports.policy import LabelPolicy

VOTES = "votes"
_RATINGS = {"bad": BAD, "okay": OKAY, "great": GREAT}
_ROLLOUTS = ("successes", "rollouts")
_COUNTS: dict[str, Sequence[str]] = {
    "gold": tuple(_RATINGS),
    "adjudicated": tuple(_RATINGS),
    "consensus": tuple(_RATINGS),
    "human": tuple(_RATINGS),
    "monte_carlo_hard": _ROLLOUTS,
    "monte_carlo_soft": _ROLLOUTS,
    "judge": tuple(_RATINGS),
    "monte_carlo_and_judge": (*_ROLLOUTS, *_RATINGS),
    "cascade": tuple(_RATINGS),
}


def vote_counts(policy: LabelPolicy) -> dict[str, Sequence[str]]:
    """By source of the policy, the names of its counts."""
    return {source: _COUNTS[source] for source in policy.sources}


def step_votes(frames: LabelFrames, policy: LabelPolicy) -> dict[str, pl.DataFrame]:
    """By source of the policy, the counts for each of `frames.steps`.

    People, judges and rollouts are counted before the policy asks for a majority or a minimum; gold, reviewers, the
    consensus and the cascade have one vote where they make a label. A step that nobody rates has 0 votes, and one without
    rollouts null.
    """
    return {source: _votes_of(source, frames, policy).select(names) for source, names in vote_counts(policy).items()}


def _votes_of(source: str, frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    votes = frames.steps.select("key")
    if source.startswith("monte_carlo"):
        counts = newest_counts(frames, policy, is_soft=source == "monte_carlo_soft")
        votes = _with_counts(votes, counts.with_columns(pl.col(_ROLLOUTS).cast(pl.Int64)))
    if not source.startswith("monte_carlo") or source == "monte_carlo_and_judge":
        counts = _ratings_of(source, frames, policy).group_by("key").agg(_count(rating) for rating in _RATINGS)
        votes = _with_counts(votes, counts).with_columns(pl.col(list(_RATINGS)).fill_null(0))
    return votes


def _with_counts(votes: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    return votes.join(counts, on="key", how="left", maintain_order="left")


def _count(name: str) -> pl.Expr:
    return (pl.col("rating") == _RATINGS[name]).sum().cast(pl.Int64).alias(name)


def _ratings_of(source: str, frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """Each vote: people's ratings, judges' verdicts, and the labels of gold, reviewers, the consensus and the cascade."""
    if source == "human":
        return ratings_that_count(frames, policy)
    if source in {"judge", "monte_carlo_and_judge"}:
        return verdicts_of_judges(frames, policy)
    return read(source, frames, policy).filter(pl.col("rating").is_not_null())
