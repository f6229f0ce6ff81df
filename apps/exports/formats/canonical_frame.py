"""The canonical rows of a chunk at once, from frames that have the columns of `load.queries.MORE` too. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from apps.corpus.labels import BAD, GREAT, NO_ERROR, UNKNOWN
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.labels.columns.frames import CANDIDATE_BITS, LabelFrames, position_expr, row_expr
from apps.exports.labels.columns.sources import hard_rating
from apps.exports.labels.columns.steps import StepLabels
from apps.exports.tally import Tally

HARD_NAMES = {GREAT: "reaches the answer", BAD: "misses the answer", UNKNOWN: "no rollout counted"}
NOT_RATED = "not rated"
_CANDIDATE = pl.col("key") % (1 << CANDIDATE_BITS)


def canonical_frame(chunk: SolutionChunk, labels: StepLabels, columns: pa.Schema) -> pl.DataFrame:
    """`row` and the columns of the canonical row, which are structs; `columns` gives their types where all are null.

    `labels` are those of the policy, which decide the first error.
    """
    types = pl.Schema(columns)
    size = len(chunk.solutions)
    return pl.DataFrame({"row": pl.Series(np.arange(size), dtype=pl.Int64)}).with_columns(
        _problems(chunk).alias("problem"),
        _solutions(chunk).alias("solution"),
        pl.lit(None, dtype=types["comparison"]).alias("comparison"),
        _people(chunk, types).alias("people"),
        _rated(chunk.frames.gold, ("position", "rating", "self_reviewed", "explanation"), size).alias("gold"),
        _consensus(chunk.frames, size).alias("consensus"),
        _estimates(chunk.frames, size).alias("monte_carlo"),
        _judges(chunk.frames, size).alias("judges"),
        # Solutions with scores of steps are written from records.
        pl.lit([], dtype=types["scores"]).alias("scores"),
        _first_errors(chunk, labels).alias("first_error"),
    )


def count_canonical(chunk: SolutionChunk, tally: Tally) -> None:
    """Every source that the rows hold, as this format leaves none out: sources are labelings, labels are of steps."""
    frames = chunk.frames
    runs = {"monte_carlo": frames.estimates, "judge": frames.verdicts}
    tally.sources["human"] += len(frames.people)
    for name, rated in (("gold", frames.gold), ("consensus", frames.consensus)):
        tally.sources[name] += rated.select(row_expr())["key"].n_unique()
    for name, verdicts in runs.items():
        tally.sources[name] += verdicts.select(row_expr().alias("row"), "order").n_unique()
    hard = frames.estimates.select(hard_rating().replace_strict(HARD_NAMES, return_dtype=pl.String).alias("label"))
    people = frames.ratings.select(pl.col("rating").cast(pl.String).fill_null(NOT_RATED).alias("label"))
    ratings = [
        rated.select(pl.col("rating").cast(pl.String).alias("label"))
        for rated in (frames.gold, frames.consensus, frames.verdicts)
    ]
    for label, count in pl.concat([people, hard, *ratings])["label"].value_counts().iter_rows():
        tally.labels[label] += count
        tally.carried += count


# --- the parts of the row ---------------------------------------------------------------------------------


def _problems(chunk: SolutionChunk) -> pl.Series:
    names = ("external_id", "statement", "reference_answer", "reference_solution", "verifier", "subject", "level")
    problems = chunk.solutions.select(*names, "split_in_file", "extras").rename({"split_in_file": "split"})
    return problems.with_columns(_extras(problems["extras"])).to_struct("problem")


def _solutions(chunk: SolutionChunk) -> pl.Series:
    steps = chunk.frames.steps.with_columns(
        position=position_expr(),
        candidate=_CANDIDATE,
        origin=pl.when("is_human").then(pl.lit("human")).otherwise(pl.lit("model")),
    )
    own = chunk.solutions.select(
        "source",
        "final_answer",
        "is_correct",
        "verifier_score",
        "separator",
        external_id="solution_external_id",
        extras="solution_extras",
    ).with_columns(
        _extras(chunk.solutions["solution_extras"].alias("extras")),
        steps=_nested(steps, ("position", "candidate", "text", "origin", "chosen"), row_expr(), len(chunk.solutions)),
    )
    order = ("external_id", "source", "final_answer", "is_correct", "verifier_score", "separator", "steps", "extras")
    return own.select(order).to_struct("solution")


def _people(chunk: SolutionChunk, types: pl.Schema) -> pl.Series:
    people = chunk.frames.people
    places = people.select("person").with_row_index("place")
    ratings = chunk.frames.ratings.join(places, on="person", maintain_order="left").with_columns(
        position=position_expr(), candidate=_CANDIDATE, comment=pl.lit("")
    )
    rating = ("position", "candidate", "rating", "unsure", "chosen", "comment")
    steps = _nested(ratings, rating, pl.col("place"), len(people))
    fields = {field.name: field.dtype for field in types["people"].inner.fields}  # type: ignore[attr-defined]
    finished = pl.col("stated_finish")
    described = people.with_columns(
        _extras(people["extras"], without="is_screening"),  # Which has a column of its own.
        labeler="name",
        finish_reason=pl.when(finished != "").then(finished),
        reason="stated_reason",
        submitted_at=pl.col("submitted_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"),
        role=pl.lit("labeler"),
        corrects=pl.lit(None, dtype=pl.String),
        corrected_by=pl.lit(None, dtype=pl.String),
        self_reviewed=pl.lit(value=False),
        steps=steps,
        critiques=pl.lit(pl.Series([[]], dtype=fields["critiques"])).first(),
        preference=pl.lit(None, dtype=fields["preference"]),
    )
    return _nested(described, tuple(fields), pl.col("row"), len(chunk.solutions))


def _consensus(frames: LabelFrames, size: int) -> pl.Series:
    names = ("position", "rating", "how", "certainty", "people", "is_thin", "self_reviewed")
    return _rated(frames.consensus, names, size)


def _rated(rated: pl.DataFrame, names: Sequence[str], size: int) -> pl.Series:
    """Ratings under the key `steps`."""
    steps = _nested(rated.sort("key").with_columns(position=position_expr()), names, row_expr(), size)
    return pl.DataFrame({"steps": steps}).to_struct("rated")


def _estimates(frames: LabelFrames, size: int) -> pl.Series:
    counts = frames.estimates.with_columns(
        row=row_expr(), position=position_expr(), completer=pl.when(pl.col("completer") != "").then("completer")
    )
    steps = ("position", "rollouts", "successes", "missing", "hard")
    return _runs(counts, ("run", "completer", "strategy"), steps, size)


def _judges(frames: LabelFrames, size: int) -> pl.Series:
    verdicts = frames.verdicts.with_columns(
        row=row_expr(), position=position_expr(), candidate=_CANDIDATE, run="run_in_file", reason="stated_reason"
    )
    steps = ("position", "candidate", "rating", "confidence", "reason")
    return _runs(verdicts, ("judge", "version", "run"), steps, size)


def _runs(rated: pl.DataFrame, names: Sequence[str], steps: Sequence[str], size: int) -> pl.Series:
    """By solution its runs, from the oldest to the newest, each with its steps."""
    rated = rated.sort("row", "order", "key").with_columns(place=pl.struct("row", "order").rle_id())
    runs = rated.group_by("place", maintain_order=True).agg(pl.col("row", *names).first())
    runs = runs.with_columns(steps=_nested(rated, steps, pl.col("place"), len(runs)))
    return _nested(runs, (*names, "steps"), pl.col("row"), size)


def _nested(table: pl.DataFrame, names: Sequence[str], parent: pl.Expr, size: int) -> pl.Series:
    """By parent, from 0 to `size`, the list of its rows, which are in the order of their parents."""
    parents = table.select(parent.cast(pl.Int64).alias("parent"))["parent"].to_numpy()
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.bincount(parents, minlength=size))])
    items = table.select(names).to_struct("items").to_arrow(compat_level=pl.CompatLevel.newest())
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(starts, pa.int64()), items))
    assert isinstance(lists, pl.Series)
    return lists


def _extras(texts: pl.Series, *, without: str = "") -> pl.Series:
    """Extras as msgspec writes them; an empty object is none."""
    if texts.null_count() == len(texts):
        return texts.cast(pl.String)
    written: list[str | None] = []
    for text in texts:
        extras = msgspec.json.decode(text) if text is not None else {}
        extras.pop(without, None)
        written.append(msgspec.json.encode(extras).decode() if extras else None)
    return pl.Series(texts.name, written, dtype=pl.String)


def _first_errors(chunk: SolutionChunk, labels: StepLabels) -> pl.Series:
    """By solution the first error of its first labeling; null where it has none, or where it is not known."""
    errors = np.full(len(chunk.solutions), UNKNOWN, dtype=np.int64)
    lengths = np.bincount(labels.path["labeling"].to_numpy(), minlength=len(labels.labelings))
    bad = labels.path.filter(pl.col("label") == BAD).group_by("labeling").agg(pl.col("position").min())
    first_bad = np.full(len(labels.labelings), NO_ERROR, dtype=np.int64)
    first_bad[bad["labeling"].to_numpy()] = bad["position"].to_numpy()
    # Known where all steps up to the first bad one, or all steps, have a label.
    is_known = labels.supervised > np.where(first_bad == NO_ERROR, lengths - 1, first_bad)
    # Of several assignments to one element the last counts: here that of the first labeling.
    rows = labels.labelings["row"].to_numpy()[::-1]
    errors[rows] = np.where(is_known, first_bad, UNKNOWN)[::-1]
    series = pl.Series(errors, dtype=pl.Int64)
    return pl.select(pl.when(series != UNKNOWN).then(series).alias("first_error"))["first_error"]
