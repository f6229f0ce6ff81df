"""From the ratings of solutions to one label per step, by a policy. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from apps.corpus.labels import BAD, OKAY
from apps.exports.labels.columns.combined import combined_readings, has_ratings
from apps.exports.labels.columns.frames import PLACE_BITS, LabelFrames, position_expr
from apps.exports.labels.columns.reasons import (
    AFTER_ERROR,
    ALTERNATIVES_DROPPED,
    BEHIND_GAP,
    NEUTRAL_DROPPED,
    SAME_TEXT,
    TWO_LABELS,
    later_source,
    reason,
)
from apps.exports.labels.columns.sources import read
from apps.exports.policy import LabelPolicy

NEVER = np.iinfo(np.int64).max
CASCADE = "cascade"  # The source, of which a solution has one labeling.


@dataclass(frozen=True)
class StepLabels:
    """The labels of solutions' steps.

    labelings     one row for each rater whose ratings label a solution, in order: `row`, `source`
    path          each labeling's chosen steps, in order: `labeling`, `position`, `key`, `step` (its number in
                  `frames.steps`), and `label`, null for a step without one
    supervised    by labeling, how many steps of its path make a row: those before the first one without a label; where the
                  policy masks such steps, all
    alternatives  the candidates off the path that make a row, in order, with the same columns
    rated         all ratings of the labelings, in order: `labeling`, `key`, and the `reason` of those that make no label
    left_out      the ratings of other raters: `key`, `reason`

    A `rank` is a labeling and a place in one integer, as a key is a solution and a place.
    """

    frames: LabelFrames
    labelings: pl.DataFrame
    path: pl.DataFrame
    supervised: np.ndarray
    alternatives: pl.DataFrame
    rated: pl.DataFrame
    left_out: pl.DataFrame

    @property
    def by_cascade(self) -> int:
        """The number of solutions whose labels are those of a cascade."""
        return int((self.labelings["source"] == CASCADE).sum())


def label_steps(frames: LabelFrames, policy: LabelPolicy) -> StepLabels:
    """Label each solution by the first source of the policy that rates it, or as `policy.combine` says."""
    if policy.combine != "solution":
        return _labeled(frames, *combined_readings(frames, policy), policy)
    is_labeled = np.zeros(frames.size, dtype=bool)
    labelings: list[pl.DataFrame] = []
    left_out: list[pl.DataFrame] = []
    for source in dict.fromkeys(policy.sources):
        reading = read(source, frames, policy).with_columns(row=pl.col("key") // (1 << PLACE_BITS))
        is_late = pl.Series(is_labeled[reading["row"].to_numpy()])
        if is_late.any():
            left_out.append(reading.filter(is_late).select("key", reason=reason(later_source(source))))
            reading = reading.filter(~is_late)
        labels = has_ratings(reading)
        left_out.append(reading.filter(~labels).select("key", "reason"))
        labelings.append(reading.filter(labels).with_columns(source=pl.lit(source)))
        is_labeled[labelings[-1]["row"].to_numpy()] = True
    return _labeled(frames, pl.concat(labelings), pl.concat(left_out), policy)


def _labeled(frames: LabelFrames, ratings: pl.DataFrame, left_out: pl.DataFrame, policy: LabelPolicy) -> StepLabels:
    """Apply the policy to neutral ratings, to those after the first error, and to alternatives."""
    labelings = ratings.select("row", "labeling", "source").unique(["row", "labeling"]).sort("row", "labeling")
    rated = _with_labels(_numbered(ratings, labelings), policy)
    path, is_rated = _path(frames, labelings, rated, policy)
    alternatives = _alternatives(frames, path, rated, policy)
    reasons = pl.concat([_path_reasons(path, is_rated), alternatives.select("rank", late_reason="reason")])
    reasons = reasons.filter(pl.col("late_reason").is_not_null())
    if len(reasons):
        rated = rated.join(reasons, on="rank", how="left", maintain_order="left")
        rated = rated.with_columns(reason=pl.coalesce("late_reason", "reason"))
    return StepLabels(
        frames=frames,
        labelings=labelings.select("row", "source"),
        path=path.table,
        supervised=path.supervised,
        alternatives=alternatives.filter(pl.col("reason").is_null()).drop("reason"),
        rated=rated.select("labeling", "key", "rank", "reason"),
        left_out=left_out,
    )


def _with_labels(ratings: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    label = (
        pl.when(pl.col("rating") == OKAY).then(pl.lit(policy.neutral_label, dtype=pl.Int8)).otherwise(pl.col("rating"))
    )
    is_dropped = label.is_null() & pl.col("rating").is_not_null()
    return ratings.with_columns(
        label=label, reason=pl.when(is_dropped).then(reason(NEUTRAL_DROPPED)).otherwise(pl.col("reason"))
    )


def _numbered(ratings: pl.DataFrame, labelings: pl.DataFrame) -> pl.DataFrame:
    """Ratings with the number of their labeling among all, in the order of labelings and steps."""
    numbers = labelings.with_row_index("number").select("row", "labeling", number=pl.col("number").cast(pl.Int64))
    if not numbers["row"].is_duplicated().any():
        # One labeling of each solution: its number follows from the solution alone.
        numbers = numbers.drop("labeling")
    numbered = ratings.join(numbers, on=[name for name in numbers.columns if name != "number"])
    return numbered.select("key", "rating", "reason", labeling="number", rank=_rank(pl.col("number"))).sort("rank")


def _rank(labeling: pl.Expr) -> pl.Expr:
    return labeling * (1 << PLACE_BITS) + pl.col("key") % (1 << PLACE_BITS)


# --- the path ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Paths:
    """Each labeling's chosen steps, as in `StepLabels.path`, and by labeling: where they start and end in the table.

    `first_bad` is the position of the first bad step, `supervised` that of the first step without a label.
    """

    table: pl.DataFrame
    starts: np.ndarray
    lengths: np.ndarray
    first_bad: np.ndarray
    supervised: np.ndarray


def _path(
    frames: LabelFrames, labelings: pl.DataFrame, rated: pl.DataFrame, policy: LabelPolicy
) -> tuple[_Paths, pl.Series]:
    """The paths with their labels, and whether each step was rated, before the policy for steps after the first error."""
    firsts, of_row = frames.first_of_path()
    rows = labelings["row"].to_numpy()
    lengths = of_row[rows]
    starts = np.cumsum(lengths) - lengths
    numbers = np.repeat(np.arange(len(rows)), lengths)
    positions = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    steps = frames.path[np.repeat(firsts[rows], lengths) + positions].with_columns(
        labeling=pl.Series(numbers, dtype=pl.Int64), position=pl.Series(positions, dtype=pl.Int64)
    )
    ranked = steps.with_columns(rank=_rank(pl.col("labeling")))
    labels = ranked.join(rated.select("rank", "label"), on="rank", how="left", maintain_order="left")["label"]
    is_rated = labels.is_not_null()
    first_bad = _first_where(labels == BAD, numbers, positions, np.full(len(rows), NEVER))
    if policy.after_first_error != "as_rated":
        rest = pl.lit(BAD if policy.after_first_error == "negative" else None, dtype=pl.Int8)
        is_after = pl.Series(positions > first_bad[numbers])
        labels = pl.select(pl.when(is_after).then(rest).otherwise(labels).alias("label"))["label"]
    supervised = _first_where(labels.is_null(), numbers, positions, lengths)
    if policy.unlabeled == "mask":
        has_label = np.bincount(numbers[labels.is_not_null().to_numpy()], minlength=len(rows)) > 0
        supervised = np.where(has_label, lengths, 0)
    return _Paths(ranked.with_columns(label=labels), starts, lengths, first_bad, supervised), is_rated


def _first_where(condition: pl.Series, numbers: np.ndarray, positions: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """By labeling, the first position of its path where the condition holds."""
    first = otherwise.astype(np.int64)
    # Of several assignments to one element the last counts: here that of the first position.
    at = np.flatnonzero(condition.fill_null(value=False).to_numpy())[::-1]
    first[numbers[at]] = positions[at]
    return first


def _path_reasons(path: _Paths, is_rated: pl.Series) -> pl.DataFrame:
    """By `rank`, why a rated step of the path is in no row."""
    numbers, positions = path.table["labeling"].to_numpy(), path.table["position"].to_numpy()
    has_no_label = path.table["label"].is_null()
    is_behind = is_rated & (has_no_label | pl.Series(positions >= path.supervised[numbers]))
    is_after_error = pl.Series(positions > path.first_bad[numbers])
    return path.table.select(
        "rank", late_reason=pl.when(is_after_error).then(reason(AFTER_ERROR)).otherwise(reason(BEHIND_GAP))
    ).filter(is_behind)


# --- alternatives -----------------------------------------------------------------------------------------


def _alternatives(frames: LabelFrames, path: _Paths, rated: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    """The rated candidates off the path, with their label, and the `reason` of each that makes no row."""
    off_path = frames.steps.with_row_index("step").filter(~pl.col("chosen")).select("step", "key", "text")
    rated = rated.filter(pl.col("label").is_not_null()).select("labeling", "key", "rank", "label")
    rows = rated.join(off_path, on="key", maintain_order="left").with_columns(position=position_expr())
    numbers, positions = rows["labeling"].to_numpy(), rows["position"].to_numpy()
    is_after_error = pl.Series(path.first_bad[numbers] < positions)
    # A row needs a label on every step before the alternative.
    is_behind_gap = pl.Series(path.supervised[numbers] < positions)
    if policy.alternatives == "drop":
        no_row = reason(ALTERNATIVES_DROPPED)
    else:
        no_row = pl.when(is_behind_gap).then(reason(BEHIND_GAP))
        if policy.after_first_error == "leave_out":
            no_row = pl.when(is_after_error).then(reason(AFTER_ERROR)).otherwise(no_row)
    rows = rows.with_columns(reason=no_row)
    if policy.after_first_error == "negative":
        rows = rows.with_columns(label=pl.when(is_after_error).then(pl.lit(BAD, dtype=pl.Int8)).otherwise("label"))
    return _distinct(rows, frames, path).select("labeling", "step", "key", "rank", "position", "label", "reason")


def _distinct(rows: pl.DataFrame, frames: LabelFrames, path: _Paths) -> pl.DataFrame:
    """Of several alternatives with one text the first makes a row, so that no row is repeated or contradicts another.

    None does where the text is on the path with a label, which already has its row.
    """
    on_path = _label_of_text_on_path(rows, frames, path)
    makes_row = pl.col("reason").is_null()
    same = ("labeling", "position", "text", makes_row)
    rows = rows.with_columns(on_path=on_path)
    is_one_label = (pl.min_horizontal("label", "on_path").min().over(same)) == (
        pl.max_horizontal("label", "on_path").max().over(same)
    )
    is_kept = pl.col("on_path").is_null() & is_one_label & (pl.col("rank") == pl.col("rank").min().over(same))
    repeats = pl.when(is_one_label).then(reason(SAME_TEXT)).otherwise(reason(TWO_LABELS))
    return rows.with_columns(reason=pl.when(makes_row & ~is_kept).then(repeats).otherwise("reason"))


def _label_of_text_on_path(rows: pl.DataFrame, frames: LabelFrames, path: _Paths) -> pl.Series:
    """The label of the chosen step at an alternative's position where it has the same text, else null."""
    numbers, positions = rows["labeling"].to_numpy(), rows["position"].to_numpy()
    is_within = positions < path.lengths[numbers]
    beside = path.table[np.where(is_within, path.starts[numbers] + positions, 0)] if is_within.any() else None
    if beside is None:
        return pl.repeat(None, len(rows), dtype=pl.Int8, eager=True)
    texts = frames.steps["text"].gather(beside["step"])
    is_same = pl.Series(is_within) & (texts == rows["text"])
    return pl.select(pl.when(is_same).then(beside["label"]).alias("on_path"))["on_path"]
