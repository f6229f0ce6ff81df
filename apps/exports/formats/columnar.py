"""Formats of solutions that are made in columns: a frame for a chunk, in which each row is a row of the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from apps.corpus.labels import GREAT
from apps.corpus.records import Record
from apps.exports.formats.base import PROCESS, BaseFormat, Reader, Row, check_step_columns, check_two_classes
from apps.exports.labels.columns.chunk import SolutionChunk, chunk_of
from apps.exports.labels.columns.examples import Examples, fitting_examples
from apps.exports.labels.columns.steps import label_steps
from apps.exports.labels.columns.values import ADVANTAGES, VALUES, step_values
from apps.exports.labels.columns.votes import VOTES, step_votes, vote_counts
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

IGNORED = -100  # The label of a step without one, which TRL, axolotl and transformers leave out of the loss.


class ColumnFormat(BaseFormat, ABC):
    """A format whose rows of a chunk are made at once."""

    name: str
    title: str
    about: str
    readers: tuple[Reader, ...]

    @abstractmethod
    def schema(self, policy: LabelPolicy) -> pa.Schema: ...

    @abstractmethod
    def check(self, policy: LabelPolicy) -> None: ...

    @abstractmethod
    def frame(self, chunk: SolutionChunk, policy: LabelPolicy, tally: Tally) -> pl.DataFrame:
        """The rows of the chunk's solutions in order: `row`, the number of the solution, and the columns of the schema.

        Counts in `tally` what is written and left out.
        """

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        if record.solution is not None:
            yield from self.frame(chunk_of([record]), policy, tally).drop("row").iter_rows(named=True)


class ExampleFormat(ColumnFormat):
    """A format with a row for each training example: a prefix of a solution with a label on each step."""

    group = PROCESS
    labels_steps = True
    has_classes = True
    columns: pa.Schema

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pa.schema([*self.columns, *_list_fields(policy)])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)
        check_step_columns(self, policy)

    def frame(self, chunk: SolutionChunk, policy: LabelPolicy, tally: Tally) -> pl.DataFrame:
        labels = label_steps(chunk.frames, policy)
        tally.by_cascade += labels.by_cascade
        texts = chunk.frames.steps["text"]
        tag = self.tag(policy)

        def unfit_reasons(examples: Examples) -> pl.Series:
            return self.unfit_reasons(_rows(chunk, examples, texts), policy)

        examples = fitting_examples(labels, tally, unfit_reasons if tag else None)
        rows = self.example_frame(_rows(chunk, examples, texts), policy)
        if "values" in policy.columns:
            rows = rows.with_columns(_value_lists(examples, step_values(chunk.frames, policy)))
        if "votes" in policy.columns:
            rows = rows.with_columns(_vote_lists(examples, step_votes(chunk.frames, policy)))
        return rows

    def tag(self, policy: LabelPolicy) -> str:
        """What the format writes after each step, if it does; no text may contain it."""
        return ""

    def unfit_reasons(self, rows: ExampleRows, policy: LabelPolicy) -> pl.Series:
        """By example, why the format cannot hold it, or null."""
        tag = self.tag(policy)
        reason = pl.lit(f"the text contains the step tag {tag}")
        return pl.select(pl.when(rows.any_text_contains(tag)).then(reason).alias("unfit"))["unfit"]

    @abstractmethod
    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        """The rows of the examples."""


class ExampleRows:
    """Examples with what rows are made of. By example: `row`, `statements`, `subjects`. By step: `texts`, `is_good`."""

    def __init__(self, examples: Examples, solutions: pl.DataFrame, texts: pl.Series) -> None:
        self.examples = examples
        self.row = examples.table["row"]
        self.statements = solutions["statement"].gather(self.row)
        self.subjects = solutions["subject"].gather(self.row)
        self.texts = texts
        self.is_good = examples.steps["label"] == GREAT

    def numeric_labels(self) -> pl.Series:
        """By step, 1 or 0, and IGNORED for a step without a label."""
        return self.is_good.cast(pl.Int64).fill_null(IGNORED).alias("label")

    def lists(self, values: pl.Series) -> pl.Series:
        """By example, the list of its steps' values."""
        return self.examples.lists(values)

    def numbers(self) -> np.ndarray:
        """By step, its number in its example, from 1."""
        starts = self.examples.starts
        numbers: np.ndarray = np.arange(1, starts[-1] + 1) - np.repeat(starts[:-1], np.diff(starts))
        return numbers

    def signs(self) -> pl.Series:
        """By step, + or -."""
        return pl.select(pl.when(self.is_good).then(pl.lit("+")).otherwise(pl.lit("-")).alias("sign"))["sign"]

    def any_text_contains(self, word: str) -> pl.Series:
        """By example, whether its problem or one of its steps contains the word."""
        contains_word = self.statements.str.contains(word, literal=True).to_numpy().copy()
        steps = self.texts.str.contains(word, literal=True)
        contains_word[self.examples.steps["example"].filter(steps).to_numpy()] = True
        return pl.Series(contains_word, dtype=pl.Boolean)


def _list_fields(policy: LabelPolicy) -> Iterator[pa.Field]:
    """The columns of lists that the policy asks for beside the labels."""
    if "values" in policy.columns:
        for name in (*VALUES, ADVANTAGES):
            yield pa.field(name, pa.list_(pa.int64() if name == "rollouts" else pa.float64()))
    if "votes" in policy.columns:
        sources = {
            source: pa.struct([(name, pa.list_(pa.int64())) for name in names])
            for source, names in vote_counts(policy).items()
        }
        yield pa.field(VOTES, pa.struct(list(sources.items())))


def _value_lists(examples: Examples, values: pl.DataFrame) -> list[pl.Series]:
    """The lists of VALUES and the advantage of each step over the one before it in its row."""
    of_steps = values[examples.steps["step"]].with_columns(examples.steps["example"])
    gain = pl.col("values") - pl.col("values").shift(1)
    is_later = pl.col("example") == pl.col("example").shift(1)
    of_steps = of_steps.with_columns(pl.when(is_later).then(gain).alias(ADVANTAGES))
    return [examples.lists(of_steps[name]).alias(name) for name in (*VALUES, ADVANTAGES)]


def _vote_lists(examples: Examples, votes: Mapping[str, pl.DataFrame]) -> pl.Series:
    """By example, for each source a list of each count."""
    of_sources = []
    for source, counts in votes.items():
        of_steps = counts[examples.steps["step"]]
        of_sources.append(
            pl.DataFrame([examples.lists(count).alias(count.name) for count in of_steps]).to_struct(source)
        )
    return pl.DataFrame(of_sources).to_struct(VOTES)


def _rows(chunk: SolutionChunk, examples: Examples, texts: pl.Series) -> ExampleRows:
    return ExampleRows(examples, chunk.solutions, texts.gather(examples.steps["step"]))
