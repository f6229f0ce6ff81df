"""From the labels of solutions to training examples, each with a label on every step. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from apps.exports.labels.columns.frames import PLACE_BITS
from apps.exports.labels.columns.reasons import NO_FIRST_LABEL, NO_SOURCE
from apps.exports.labels.columns.steps import StepLabels
from apps.exports.tally import Tally


@dataclass(frozen=True)
class Examples:
    """Prefixes of solutions with a label on each step, in the order of their rows in a file.

    table   one row for each: `row`, its solution; `labeling`; `rank`, the labeling and place of its last step
    steps   their steps, in order: `example`, `step` (its number in the frames' steps), `label` (null only where the policy
            masks steps without one), `rank`
    starts  by example, the number of its first row in `steps`, and at the end their number
    """

    table: pl.DataFrame
    steps: pl.DataFrame
    starts: np.ndarray

    def lists(self, values: pl.Series) -> pl.Series:
        """By example, the list of its steps' values."""
        plain = values.to_arrow(compat_level=pl.CompatLevel.newest())
        lists = pa.LargeListArray.from_arrays(pa.array(self.starts, pa.int64()), plain)
        series = pl.from_arrow(lists)
        assert isinstance(series, pl.Series)
        return series

    def only(self, is_kept: np.ndarray) -> Examples:
        lengths = np.diff(self.starts)
        numbers = np.cumsum(is_kept) - 1
        steps = self.steps.filter(pl.Series(np.repeat(is_kept, lengths)))
        steps = steps.with_columns(example=pl.Series(numbers[steps["example"].to_numpy()], dtype=pl.Int64))
        return Examples(self.table.filter(pl.Series(is_kept)), steps, _starts(lengths[is_kept]))


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def examples_of(labels: StepLabels) -> Examples:
    """Each labeling's path up to its first step without a label, then each alternative after its prefix."""
    path = labels.path
    numbers, positions = path["labeling"].to_numpy(), path["position"].to_numpy()
    own = path.filter(pl.Series(positions < labels.supervised[numbers]))
    if labels.alternatives.is_empty():
        return _of_paths(labels, own)
    return _of_paths_and_alternatives(labels, own)


def _of_paths(labels: StepLabels, own: pl.DataFrame) -> Examples:
    has_row = labels.supervised > 0
    lengths = labels.supervised[has_row]
    examples = np.repeat(np.arange(len(lengths)), lengths)
    steps = own.select(pl.Series("example", examples, dtype=pl.Int64), "step", "label", "rank")
    return Examples(_table(labels, steps, _starts(lengths)), steps, _starts(lengths))


def _of_paths_and_alternatives(labels: StepLabels, own: pl.DataFrame) -> Examples:
    alternatives = labels.alternatives
    ends = alternatives.select("rank", "position", number="labeling")
    # The labeled steps of a path are consecutive rows of `own`.
    first = np.cumsum(labels.supervised) - labels.supervised
    lengths = ends["position"].to_numpy()
    starts = np.repeat(first[ends["number"].to_numpy()], lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.repeat(ends["rank"].to_numpy(), lengths)
    prefixes = own[starts + within].with_columns(end=pl.Series(order, dtype=pl.Int64))
    columns = ("labeling", "end", "rank", "step", "label")
    steps = pl.concat(
        [
            own.with_columns(end=pl.lit(-1, dtype=pl.Int64)).select(columns),
            prefixes.select(columns),
            alternatives.with_columns(end=pl.col("rank")).select(columns),
        ]
    ).sort("labeling", "end", "rank")
    examples = steps.select(number=pl.struct("labeling", "end").rle_id())["number"].cast(pl.Int64)
    counts = np.bincount(examples.to_numpy())
    steps = steps.select(examples.alias("example"), "step", "label", "rank")
    return Examples(_table(labels, steps, _starts(counts)), steps, _starts(counts))


def _table(labels: StepLabels, steps: pl.DataFrame, starts: np.ndarray) -> pl.DataFrame:
    last = steps["rank"].gather(starts[1:] - 1)
    labeling = pl.Series("labeling", last.to_numpy() >> PLACE_BITS, dtype=pl.Int64)
    return pl.DataFrame({"row": labels.labelings["row"].gather(labeling), "labeling": labeling, "rank": last})


# --- counts -----------------------------------------------------------------------------------------------

Unfit = Callable[[Examples], pl.Series]


def fitting_examples(labels: StepLabels, tally: Tally, unfit_reasons: Unfit | None = None) -> Examples:
    """The examples that a format can hold. `unfit_reasons` returns why not, or null, by example.

    Counts every rating by the policy's sources: it is in some row, or left out for one reason.
    """
    examples = examples_of(labels)
    reasons = unfit_reasons(examples) if unfit_reasons is not None else None
    left_out = _counts(labels.left_out["reason"].cast(pl.String))
    tally.leave_out_ratings(left_out)
    if reasons is None or reasons.is_null().all():
        _count(labels, examples, tally)
        return examples
    fitting = examples.only(reasons.is_null().to_numpy())
    _count_with_unfit(labels, examples.table.with_columns(unfit=reasons), fitting, tally)
    return fitting


def _count(labels: StepLabels, examples: Examples, tally: Tally) -> None:
    """Where every example is in a row: a rating is too, unless it has a reason."""
    left_out = _counts(labels.rated["reason"].drop_nulls().cast(pl.String))
    written = len(labels.rated) - sum(left_out.values())
    path = labels.path
    is_in_row = pl.Series(path["position"].to_numpy() < labels.supervised[path["labeling"].to_numpy()])
    carried = path.filter(is_in_row)["label"].count() + len(labels.alternatives)
    tally.leave_out_ratings(left_out)
    _count_rows(labels, examples, tally, carried=carried, written=written)
    _count_without_rows(labels, examples, tally, None)


def _count_with_unfit(labels: StepLabels, table: pl.DataFrame, fitting: Examples, tally: Tally) -> None:
    """A rating without a row is left out for the reason of the example that ends in it, or of the first of its labeling."""
    unfit = table.filter(pl.col("unfit").is_not_null())
    carried = fitting.steps.filter(pl.col("label").is_not_null())["rank"].unique()
    is_written = labels.rated["rank"].is_in(carried.implode())
    unwritten = (
        labels.rated.filter(~is_written)
        .with_columns(pl.col("reason").cast(pl.String))
        .join(unfit.select("rank", "unfit"), on="rank", how="left")
        .join(unfit.group_by("labeling").agg(first=pl.col("unfit").first()), on="labeling", how="left")
    )
    reasons = unwritten.select(pl.coalesce("reason", "unfit", "first"))["reason"]
    tally.leave_out_ratings(_counts(reasons))
    _count_rows(labels, fitting, tally, carried=len(carried), written=int(is_written.sum()))
    _count_without_rows(labels, fitting, tally, unfit)


def _count_rows(labels: StepLabels, examples: Examples, tally: Tally, *, carried: int, written: int) -> None:
    step_labels = examples.steps["label"].drop_nulls()
    tally.labels.update({str(label): count for label, count in step_labels.value_counts().iter_rows()})
    tally.sources.update(_counts(labels.labelings["source"].gather(examples.table["labeling"].unique())))
    tally.carried += written
    tally.made += carried - written
    tally.repeated += len(step_labels) - carried


def _count_without_rows(labels: StepLabels, examples: Examples, tally: Tally, unfit: pl.DataFrame | None) -> None:
    """Count the solutions without a row, each for one reason."""
    has_row, is_labeled = (np.zeros(labels.frames.size, dtype=bool) for _ in range(2))
    has_row[examples.table["row"].to_numpy()] = True
    is_labeled[labels.labelings["row"].to_numpy()] = True
    if unfit is not None:
        firsts = unfit.group_by("row", maintain_order=True).agg(pl.col("unfit").first())
        firsts = firsts.filter(pl.Series(~has_row[firsts["row"].to_numpy()]))
        for reason, count in _counts(firsts["unfit"]).items():
            tally.leave_out("solutions", reason, count)
        has_row[firsts["row"].to_numpy()] = True
    tally.leave_out("solutions", NO_FIRST_LABEL, int((is_labeled & ~has_row).sum()))
    tally.leave_out("solutions", NO_SOURCE, int((~is_labeled & ~has_row).sum()))


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(values.value_counts().iter_rows())
