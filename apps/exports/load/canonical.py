"""Loads chunks with all that the canonical row has, as columns."""

from __future__ import annotations

import polars as pl

from apps.exports.labels.columns import frames
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.load.arrow import Reader
from apps.exports.load.columns import ColumnLoader, borders
from apps.exports.load.people import Members
from apps.exports.load.spans import Span
from apps.exports.policy import LabelPolicy
from apps.projects.models import Project

LARGEST_SCORE = 1e16  # Polars and msgspec write larger numbers with another exponent.


class _OnlyRecords(Exception):
    """The chunk has what is rare, and what only records hold."""


class CanonicalLoader(ColumnLoader):
    def __init__(self, project: Project, policy: LabelPolicy, members: Members, **options: object) -> None:
        super().__init__(project, policy, members, is_wide=True, **options)  # type: ignore[arg-type]
        self._verifier = project.verifier

    def load_if_plain(self, reader: Reader, span: Span) -> SolutionChunk | None:
        """The chunk; None where it has what is rare: comparisons, critiques, comments, corrections, scores of steps or
        beyond measure, and two runs of a judge with one number.
        """
        try:
            if len(self._read(reader, "comparisons", **borders(span))):
                return None
            chunk = self.load(reader, span)
        except _OnlyRecords:
            return None
        scores = chunk.solutions["verifier_score"].abs()
        if (scores >= LARGEST_SCORE).any():
            return None
        own = pl.when(pl.col("verifier") == "").then(pl.lit(self._verifier)).otherwise("verifier")
        return SolutionChunk(chunk.solutions.with_columns(verifier=own), chunk.frames, chunk.tally)

    def _people(
        self, reader: Reader, solutions: pl.DataFrame, steps: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        if self._read_of(reader, "step_scores", steps["step"])["step"].is_in(steps["step"].implode()).any():
            raise _OnlyRecords
        people, ratings = super()._people(reader, solutions, steps)
        ids = people["assignment"]
        for name in ("critique_ratings", "critiques_written", "step_comments"):
            written = self._read_of(reader, name, ids)
            if written["assignment"].is_in(ids.implode()).any():
                raise _OnlyRecords
        names = {user: member.name for user, member in self._members.items()}
        return people.with_columns(name=pl.col("labeler").replace_strict(names, return_dtype=pl.String)), ratings

    def _verdicts(
        self, reader: Reader, solutions: pl.DataFrame, keys: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        verdicts, undecided = super()._verdicts(reader, solutions, keys)
        runs = verdicts.select(frames.row_expr().alias("row"), "order", "judge", "version", "run_in_file").unique()
        if runs.select("row", "judge", "version", "run_in_file").is_duplicated().any():
            raise _OnlyRecords
        return verdicts, undecided

    def _corrections(self, reader: Reader, corrected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        raise _OnlyRecords
