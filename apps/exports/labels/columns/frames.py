"""The ratings of many solutions as columns: what the rules of `counted`, `sources` and `steps` work on. Pure.

Solutions are numbered from 0 in the order of the export. A `key` is a solution's number, a position and a candidate in one
integer, so that a join needs one column, and keys in order are steps in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from apps.corpus.labels import BAD, GREAT, NO_ERROR
from apps.corpus.records import PersonRecord, Record, SolutionRecord
from apps.estimation.strategies import STRATEGIES

Place = tuple[int, int]  # Position and candidate.

CANDIDATE_BITS = 17  # Positions and candidates are at most 100,000 (corpus.records).
PLACE_BITS = 2 * CANDIDATE_BITS

YIELDS_SOFT = frozenset(name for name, (kind, _) in STRATEGIES.items() if kind.yields_soft)

Schema = dict[str, type[pl.DataType] | pl.DataType]

STEPS: Schema = {"key": pl.Int64, "chosen": pl.Boolean, "is_human": pl.Boolean, "text": pl.String}
PEOPLE: Schema = {
    "row": pl.Int64,
    "person": pl.Int64,  # Its number in this frame: a solution's people are in order.
    "labeler": pl.Int64,
    "round": pl.Int64,
    "is_screening": pl.Boolean,
    "is_quality_control": pl.Boolean,
    "is_suspended": pl.Boolean,
    "is_corrected": pl.Boolean,
    "finish_reason": pl.String,
    "submitted_at": pl.Datetime("us", "UTC"),
    "redundancy": pl.Int64,
    "prefers": pl.Boolean,
}
RATINGS: Schema = {"person": pl.Int64, "key": pl.Int64, "rating": pl.Int8, "unsure": pl.Boolean, "chosen": pl.Boolean}
GOLD: Schema = {"key": pl.Int64, "rating": pl.Int8}
CONSENSUS: Schema = {
    "key": pl.Int64,
    "rating": pl.Int8,
    "is_adjudicated": pl.Boolean,
    "is_thin": pl.Boolean,
    "people": pl.Int64,
}
ESTIMATES: Schema = {
    "key": pl.Int64,
    "order": pl.Int64,  # The newest of a solution's runs has the highest.
    "run": pl.Int64,
    "yields_soft": pl.Boolean,
    "rollouts": pl.Int32,
    "successes": pl.Int32,
    "hard": pl.Boolean,
}
MACHINE_ERRORS: Schema = {"row": pl.Int64, "first_error": pl.Int64}
CASCADE: Schema = {"key": pl.Int64, "rating": pl.Int8}
VERDICTS: Schema = {"key": pl.Int64, "order": pl.Int64, "judge": pl.String, "version": pl.Int64, "rating": pl.Int8}
# Runs of judges that name no first error: the verdicts of an older run have a lower `order`.
UNDECIDED: Schema = {"row": pl.Int64, "order": pl.Int64, "judge": pl.String, "version": pl.Int64}


@dataclass(frozen=True)
class LabelFrames:
    """The steps of `size` solutions, in the order of their keys, and their ratings by every source."""

    size: int
    steps: pl.DataFrame
    people: pl.DataFrame
    ratings: pl.DataFrame
    gold: pl.DataFrame
    consensus: pl.DataFrame
    estimates: pl.DataFrame
    verdicts: pl.DataFrame
    undecided: pl.DataFrame
    cascade: pl.DataFrame

    @cached_property
    def path(self) -> pl.DataFrame:
        """The chosen steps: `key` and `step`, the number of its row in `steps`."""
        return self.steps.select("key", "chosen").with_row_index("step").filter("chosen").select("key", "step")

    def on_path(self, keys: pl.Series) -> pl.Series:
        return keys.is_in(self.path["key"].implode())

    def first_of_path(self) -> tuple[np.ndarray, np.ndarray]:
        """By solution: the number of its first row in `path`, and the number of its rows."""
        lengths = np.bincount(rows_of(self.path["key"]), minlength=self.size)
        return np.cumsum(lengths) - lengths, lengths


def key_of(row: int, position: int, candidate: int) -> int:
    return (row << PLACE_BITS) | (position << CANDIDATE_BITS) | candidate


def key_expr(row: pl.Expr, position: pl.Expr, candidate: pl.Expr) -> pl.Expr:
    """`key_of` in columns."""
    row, position = row.cast(pl.Int64), position.cast(pl.Int64)
    return row * (1 << PLACE_BITS) + position * (1 << CANDIDATE_BITS) + candidate.cast(pl.Int64)


def place_of(key: int) -> Place:
    return (key >> CANDIDATE_BITS) & ((1 << CANDIDATE_BITS) - 1), key & ((1 << CANDIDATE_BITS) - 1)


def row_expr(key: str = "key") -> pl.Expr:
    return pl.col(key) // (1 << PLACE_BITS)


def position_expr(key: str = "key") -> pl.Expr:
    return pl.col(key) // (1 << CANDIDATE_BITS) % (1 << CANDIDATE_BITS)


def rows_of(keys: pl.Series) -> np.ndarray:
    return keys.to_numpy() >> PLACE_BITS


def positions_of(keys: pl.Series) -> np.ndarray:
    return (keys.to_numpy() >> CANDIDATE_BITS) & ((1 << CANDIDATE_BITS) - 1)


def empty(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


def no_labels(size: int) -> LabelFrames:
    """The frames of so many solutions of which no step is needed."""
    schemas = (STEPS, PEOPLE, RATINGS, GOLD, CONSENSUS, ESTIMATES, VERDICTS, UNDECIDED, CASCADE)
    return LabelFrames(size, *map(empty, schemas))


def machine_ratings(errors: pl.DataFrame, path: pl.Series) -> pl.DataFrame:
    """By `key`, the `rating` of the steps of the `path`, by `errors`: for each `row` its `first_error`, or NO_ERROR. None is
    after the first error.

    Where the path has no step at the first error, that position alone is rated, as that of an unknown step.
    """
    if errors.is_empty():
        return empty(CASCADE)
    error, position = pl.col("first_error"), position_expr()
    steps = path.alias("key").to_frame().with_columns(row=row_expr()).join(errors, on="row", maintain_order="left")
    is_error = position == error
    missing = errors.join(steps.filter(is_error), on="row", how="anti").filter(error != NO_ERROR)
    known = steps.join(missing, on="row", how="anti", maintain_order="left").filter(
        (error == NO_ERROR) | (position <= error)
    )
    rating = pl.when((error != NO_ERROR) & is_error).then(BAD).otherwise(GREAT).cast(pl.Int8)
    unknown = missing.select(
        key=pl.col("row") * (1 << PLACE_BITS) + error * (1 << CANDIDATE_BITS), rating=pl.lit(BAD, dtype=pl.Int8)
    )
    return pl.concat([known.select("key", rating=rating), unknown])


# --- from records -----------------------------------------------------------------------------------------


def frames_of(records: Sequence[Record]) -> LabelFrames:
    """The frames of records, which are numbered in their order. Those without a solution have no steps."""
    people = people_of(records)
    steps = _frame(STEPS, _steps(records))
    return LabelFrames(
        size=len(records),
        steps=steps,
        people=people,
        ratings=_frame(RATINGS, _ratings(records)),
        gold=_frame(GOLD, _gold(records)),
        consensus=_frame(CONSENSUS, _consensus(records)),
        estimates=_frame(ESTIMATES, _estimates(records)),
        verdicts=_frame(VERDICTS, _verdicts(records)),
        undecided=_frame(UNDECIDED, _undecided(records)),
        cascade=machine_ratings(_frame(MACHINE_ERRORS, _machine_errors(records)), steps.filter("chosen")["key"]),
    )


def people_of(records: Sequence[Record]) -> pl.DataFrame:
    """The submissions of all records, numbered in their order."""
    labelers: dict[str, int] = {}
    people = ((row, person) for row, record in enumerate(records) for person in record.people)
    return _frame(
        PEOPLE,
        (
            (row, number, labelers.setdefault(person.labeler, len(labelers)), *_person(person))
            for number, (row, person) in enumerate(people)
        ),
    )


def _frame(schema: Schema, rows: Iterator[tuple[Any, ...]]) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pl.DataFrame(
        [pl.Series(name, column, dtype) for (name, dtype), column in zip(schema.items(), columns, strict=True)]
    )


def _person(person: PersonRecord) -> tuple[Any, ...]:
    return (
        person.round,
        person.is_screening,
        person.is_quality_control,
        person.is_suspended,
        person.corrected_by is not None,
        person.finish_reason or "solution",
        person.submitted_at,
        person.redundancy,
        person.preference is not None,
    )


def _steps(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        steps = record.solution.steps if record.solution is not None else ()
        for step in sorted(steps, key=lambda step: (step.position, step.candidate)):
            key = key_of(row, step.position, step.candidate)
            yield key, step.chosen, step.origin == "human", step.text


def _ratings(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    number = 0
    for row, record in enumerate(records):
        for person in record.people:
            # A step is rated once: of two entries the later one counts.
            steps = {(step.position, step.candidate): step for step in person.steps}
            for place, step in steps.items():
                yield number, key_of(row, *place), step.rating, step.unsure, step.chosen
            number += 1


def _path_key(row: int, solution: SolutionRecord | None) -> dict[int, int]:
    steps = solution.steps if solution is not None else ()
    return {step.position: key_of(row, step.position, step.candidate) for step in steps if step.chosen}


def _gold(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        keys = _path_key(row, record.solution) if record.gold else {}
        for gold in record.gold:
            yield keys.get(gold.position, key_of(row, gold.position, 0)), gold.rating


def _consensus(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        keys = _path_key(row, record.solution) if record.consensus else {}
        for step in record.consensus:
            key = keys.get(step.position, key_of(row, step.position, 0))
            yield key, step.rating, step.how == "adjudicated", step.is_thin, step.people


def _estimates(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        keys = _path_key(row, record.solution) if record.estimates else {}
        for order, run in enumerate(record.estimates):
            yields_soft = run.strategy in YIELDS_SOFT
            for count in run.steps:
                key = keys.get(count.position, key_of(row, count.position, 0))
                yield key, order, run.run, yields_soft, count.rollouts, count.successes, count.hard


def _machine_errors(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        if record.machine_error is not None:
            yield row, record.machine_error


def _verdicts(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        for order, judge in enumerate(record.judges):
            ratings = {(verdict.position, verdict.candidate): verdict.rating for verdict in judge.steps}
            for place, rating in ratings.items():
                yield key_of(row, *place), order, judge.judge, judge.version, rating


def _undecided(records: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    for row, record in enumerate(records):
        for result in record.undecided:
            yield row, result.older, result.judge, result.version
