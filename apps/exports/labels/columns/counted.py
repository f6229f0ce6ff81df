"""Which submissions count in an export: the same as everywhere, unless the policy asks for more by name. Pure."""

from __future__ import annotations

import polars as pl

from apps.corpus.label_columns import is_own_step_expr
from apps.corpus.labels import GREAT
from apps.exports.labels.columns.frames import LabelFrames
from apps.exports.labels.columns.reasons import (
    CORRECTED,
    EARLIER,
    EMPTY,
    GOLD_ANSWER,
    NO_REASON,
    OFF_PATH,
    OTHER_ROUND,
    SCREENING,
    SUSPENDED,
    Reason,
    ended_in,
    reason,
)
from apps.exports.policy import LabelPolicy


def rated_steps(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """People's `ratings` under the policy: a null `rating` is a step that is not judged, or unsure and dropped."""
    ratings = frames.ratings
    humans = frames.steps.filter("is_human").get_column("key")
    own = is_own_step_expr(
        rating=pl.col("rating"),
        unsure=pl.col("unsure"),
        chosen=pl.col("chosen"),
        is_human=pl.col("key").is_in(humans.implode()) if len(humans) else pl.lit(value=False),
    )
    rating = (
        pl.when(pl.col("unsure"))
        .then(pl.lit(policy.unsure_label, dtype=pl.Int8))
        .when(own)
        .then(pl.lit(GREAT, dtype=pl.Int8))
        .otherwise(pl.col("rating"))
    )
    return ratings.with_columns(rating=rating)


def excluded(people: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    """People with `reason`, why the policy does not count the submission, and `is_filtered`.

    A submission that the policy filters out does not replace an earlier one either.
    """
    # The tasks of a screening are gold tasks too; each kind has its own key.
    is_gold_answer = pl.col("is_quality_control") & ~pl.col("is_screening")
    filters = {
        OTHER_ROUND: ~pl.col("round").is_in(list(policy.rounds)).fill_null(value=False) if policy.rounds else None,
        SCREENING: pl.col("is_screening") if policy.screening == "drop" else None,
        GOLD_ANSWER: is_gold_answer if policy.quality_control == "drop" else None,
        SUSPENDED: pl.col("is_suspended") if policy.suspended == "drop" else None,
    }
    filtered = NO_REASON
    for text, applies in reversed(filters.items()):
        if applies is not None:
            filtered = pl.when(applies).then(reason(text)).otherwise(filtered)
    ended = pl.concat_str(pl.lit(ended_in("")), pl.col("finish_reason")).cast(Reason)
    end_reason = (
        pl.when(pl.col("is_corrected"))
        .then(reason(CORRECTED))
        .when(~pl.col("finish_reason").is_in(list(policy.finish_reasons)))
        .then(ended)
    )
    return people.with_columns(filtered=filtered).with_columns(
        reason=pl.coalesce("filtered", end_reason), is_filtered=pl.col("filtered").is_not_null()
    )


def counted_people(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """`excluded`, and of several submissions of one labeler the newest counts, as in the consensus.

    A single labeler is never a majority of two. The newest is chosen among all that the policy does not filter out: when it
    ended early or a reviewer corrected it, no older one counts instead.
    """
    people = excluded(frames.people, policy)
    if policy.people == "first":
        return people
    several = people.filter(~pl.col("is_filtered")).filter(pl.struct("row", "labeler").is_duplicated())
    if several.is_empty():
        return people
    passed_over = _superseded(several, frames, policy)
    people = people.join(passed_over, on="person", how="left", maintain_order="left")
    return people.with_columns(reason=pl.coalesce("reason", "passed_over"))


def _superseded(several: pl.DataFrame, frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """By `person`, why all of a labeler's submissions except the newest are `passed_over`.

    None is when no submission has ratings. A submission without ratings replaces none, and one that rates only alternatives
    replaces none that rates the path.
    """
    weighed = several.join(_relevance(frames, policy), on="person", how="left").with_columns(
        weight=pl.when("prefers").then(2).otherwise(pl.col("weight").fill_null(0))
    )
    # Undated submissions of files come before dated ones.
    weighed = weighed.sort("submitted_at", "person", nulls_last=False).with_row_index("order")
    newest = (
        weighed.filter(pl.col("weight") > 0)
        .sort("weight", "order")
        .group_by("row", "labeler", maintain_order=True)
        .agg(newest=pl.col("order").last())
    )
    later = pl.when(pl.col("weight") > 0).then(reason(OFF_PATH)).otherwise(reason(EMPTY))
    passed_over = pl.when(pl.col("order") > pl.col("newest")).then(later).otherwise(reason(EARLIER))
    superseded = weighed.join(newest, on=["row", "labeler"]).filter(pl.col("order") != pl.col("newest"))
    return superseded.select("person", passed_over=passed_over)


def _relevance(frames: LabelFrames, policy: LabelPolicy) -> pl.DataFrame:
    """By `person`: 2 for a rating of a step of the path, 1 for ratings of alternatives only."""
    rated = rated_steps(frames, policy).filter(pl.col("rating").is_not_null())
    on_path = frames.on_path(rated["key"])
    return rated.select("person", weight=on_path.cast(pl.Int32) + 1).group_by("person").agg(pl.col("weight").max())
