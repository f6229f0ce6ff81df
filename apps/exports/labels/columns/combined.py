"""Several sources on one solution: for each step the first that rates it, or their votes. Pure."""

from __future__ import annotations

import polars as pl

from apps.corpus.label_columns import majority_expr
from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN
from apps.exports.labels.columns.frames import LabelFrames, row_expr
from apps.exports.labels.columns.reasons import SOURCES_TIED, Reason, later_source, reason
from apps.exports.labels.columns.sources import ONLY_LABELING, read
from apps.exports.policy import LabelPolicy

COMBINED = "combined"


def combined_readings(frames: LabelFrames, policy: LabelPolicy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ratings of one labeling for each solution, and the `key` and `reason` of the others.

    By votes, the ratings of several sources on one step count once, as those of several people do.
    """
    readings = [
        read(source, frames, policy).with_columns(row=row_expr(), source=pl.lit(source), order=pl.lit(order))
        for order, source in enumerate(dict.fromkeys(policy.sources))
    ]
    every = pl.concat(readings)
    counts = pl.concat([has_ratings(reading) for reading in readings])
    left_out = [every.filter(~counts).select("key", "reason")]
    rated = every.filter(counts).sort("key", pl.col("rating").is_null(), "order")
    is_first = rated["key"] != rated["key"].shift(1)
    first = rated.filter(is_first.fill_null(value=True))
    later_readings = rated.filter(~is_first.fill_null(value=True))
    if policy.combine == "votes":
        first = _decided(first, rated)
        later_readings = later_readings.filter(pl.col("rating").is_null())
    later = pl.lit(None, dtype=Reason)
    for source in policy.sources:
        is_of = (pl.col("source") == source) & pl.col("rating").is_not_null()
        later = pl.when(is_of).then(reason(later_source(source, "step"))).otherwise(later)
    left_out.append(later_readings.select("key", reason=pl.coalesce("reason", later)))
    labelings = first.with_columns(labeling=ONLY_LABELING, source=pl.lit(COMBINED)).drop("order")
    is_labeled = has_ratings(labelings)
    left_out.append(labelings.filter(~is_labeled).select("key", "reason"))
    return labelings.filter(is_labeled), pl.concat(left_out)


def _decided(first: pl.DataFrame, rated: pl.DataFrame) -> pl.DataFrame:
    names = {"bad": BAD, "okay": OKAY, "great": GREAT}
    votes = rated.group_by("key").agg(**{name: (pl.col("rating") == rating).sum() for name, rating in names.items()})
    decided = majority_expr(bad=pl.col("bad"), okay=pl.col("okay"), great=pl.col("great"))
    is_tied = pl.col("rating").is_not_null() & (decided == UNKNOWN)
    return (
        first.join(votes, on="key", how="left", maintain_order="left")
        .with_columns(
            rating=pl.when(pl.col("rating").is_not_null() & (decided != UNKNOWN)).then(decided),
            reason=pl.when(is_tied).then(reason(SOURCES_TIED)).otherwise("reason"),
        )
        .drop(*names)
    )


def has_ratings(reading: pl.DataFrame) -> pl.Series:
    """Whether each rating is of a labeling with any rating that makes a label."""
    if not reading["rating"].has_nulls():
        return reading["rating"].is_not_null()
    rates = pl.col("rating").is_not_null().any().over("row", "labeling") & pl.col("labeling").is_not_null()
    return reading.select(rates.alias("rates"))["rates"]
