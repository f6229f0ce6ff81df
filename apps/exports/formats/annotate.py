"""Annotate's own row: the problem, the solution or comparison, and all labels, counts and verdicts of its steps."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
from msgspec import inspect

from apps.corpus.canonical_row import CanonicalRow, RatedSteps, plain_type, row_fields, row_of
from apps.corpus.labels import hard_label
from apps.corpus.records import Record
from apps.exports.formats.base import ARCHIVES, Reader, Row, SolutionFormat, label_name
from apps.exports.formats.canonical_frame import HARD_NAMES, canonical_frame, count_canonical
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.labels.columns.steps import label_steps
from apps.exports.labels.steps import resolve
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

_ARROW_TYPES = {
    inspect.StrType: pa.string(),
    inspect.DateTimeType: pa.string(),
    inspect.IntType: pa.int64(),
    inspect.FloatType: pa.float64(),
    inspect.BoolType: pa.bool_(),
    inspect.DictType: pa.string(),  # Extras, whose keys differ from row to row, are JSON in one text.
}


def _arrow_type(type_: inspect.Type) -> pa.DataType:
    type_ = plain_type(type_)
    if isinstance(type_, inspect.StructType):
        return pa.struct([(field.encode_name, _arrow_type(field.type)) for field in row_fields(type_)])
    return pa.list_(_arrow_type(type_.item_type)) if isinstance(type_, inspect.ListType) else _ARROW_TYPES[type(type_)]


class Annotate(SolutionFormat):
    name = "annotate"
    title = "Annotate's own row"
    about = "All that is known: people, gold, Monte Carlo, judges. It can be imported again."
    group = ARCHIVES
    readers: tuple[Reader, ...] = (Reader("any script", "", "docs/export-formats.md"),)
    of: tuple[str, ...] = ("solution", "comparison")
    columns = pa.schema(list(_arrow_type(inspect.type_info(CanonicalRow))))

    def check(self, policy: LabelPolicy) -> None:
        """Every policy is valid: it only decides `first_error`."""

    def frame(self, chunk: SolutionChunk, policy: LabelPolicy, tally: Tally) -> pl.DataFrame:
        """The rows of a chunk that a `CanonicalLoader` has loaded."""
        count_canonical(chunk, tally)
        labels = label_steps(chunk.frames, policy)
        tally.by_cascade += labels.by_cascade
        return canonical_frame(chunk, labels, self.columns)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        if record.comparison is not None:
            _count(record, tally)
            yield row_of(CanonicalRow(problem=record.problem, comparison=record.comparison, people=record.people))
        if record.solution is None:
            return
        _count(record, tally)
        labelings = resolve(record, policy)
        yield row_of(
            CanonicalRow(
                problem=record.problem,
                solution=record.solution,
                people=record.people,
                gold=RatedSteps(record.gold),
                consensus=RatedSteps(record.consensus),
                monte_carlo=record.estimates,
                judges=record.judges,
                scores=record.scores,
                first_error=labelings[0].first_error if labelings else None,
            )
        )


def _count(record: Record, tally: Tally) -> None:
    """Every source that the row holds, as this format leaves none out: sources are labelings, labels are of steps."""
    for person in record.people:
        tally.sources["human"] += 1
        tally.carry(label_name(rating.rating) for rating in person.steps)
        if person.preference is not None:
            tally.carry([person.preference.choice])
    if record.gold:
        tally.sources["gold"] += 1
        tally.carry(str(gold.rating) for gold in record.gold)
    if record.consensus:
        tally.sources["consensus"] += 1
        tally.carry(str(step.rating) for step in record.consensus)
    for run in record.estimates:
        tally.sources["monte_carlo"] += 1
        tally.carry(HARD_NAMES[hard_label(count.rollouts, count.successes, hard=count.hard)] for count in run.steps)
    for judge in record.judges:
        tally.sources["judge"] += 1
        tally.carry(str(verdict.rating) for verdict in judge.steps)
