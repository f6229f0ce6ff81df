"""A chunk of an export in columns: problems, the solutions that the policy selects, and their labels' frames. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from apps.corpus.records import ProblemRecord, Record, SolutionRecord
from apps.exports.labels.columns.frames import LabelFrames, Schema, frames_of, rows_of
from apps.exports.labels.contamination import CONTAMINATED, ContaminationIndex
from apps.exports.labels.selection import Candidate, select_solutions
from apps.exports.policy import LabelPolicy, split_of
from apps.exports.tally import Tally

NOT_SELECTED = "not selected by the policy"

PROBLEMS: Schema = {"problem": pl.Int64, "statement": pl.String, "subject": pl.String, "messages": pl.String}
SOLUTIONS: Schema = {
    "solution": pl.Int64,
    "problem": pl.Int64,
    "source": pl.String,
    "is_correct": pl.Boolean,
    "separator": pl.String,
    "whole_text": pl.String,  # As it was imported, where joining the steps would not restore it.
}


@dataclass(frozen=True)
class SolutionChunk:
    """`solutions` are numbered by their place, as the keys of `frames` have it, and hold the columns of their problem.

    `tally` counts the solutions, and those that are left out before a format sees them. `paths` are read in place of the
    steps where no step needs a label: for each solution, the list of its chosen steps' texts.
    """

    solutions: pl.DataFrame
    frames: LabelFrames
    tally: Tally
    paths: pl.Series | None = None

    def whole_texts(self) -> pl.Series:
        """The text of each solution."""
        paths = paths_of(self.frames.steps, len(self.solutions)) if self.paths is None else self.paths
        return whole_texts(self.solutions, paths)


def in_order(solutions: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """The solutions in the order of their problems, with the columns of their problem."""
    return solutions.join(problems, on="problem").sort("problem", "solution")


def selected(
    solutions: pl.DataFrame, policy: LabelPolicy, tally: Tally, index: ContaminationIndex | None
) -> pl.DataFrame:
    """The solutions that the policy's filters select, with their `split`. Counts the others."""
    statements = solutions["statement"].unique(maintain_order=True)
    if index is not None:
        test = pl.Series([statement for statement in statements if index.contains(statement)], dtype=pl.String)
        is_test = solutions["statement"].is_in(test.implode())
        tally.leave_out("solutions", CONTAMINATED, int(is_test.sum()))
        solutions = solutions.filter(~is_test)
    conditions = [pl.lit(value=True)]
    if policy.subjects:
        conditions.append(pl.col("subject").fill_null("").is_in(list(policy.subjects)))
    if policy.generators:
        conditions.append(pl.col("source").fill_null("").is_in(list(policy.generators)))
    if policy.answers != "all":
        conditions.append((pl.col("is_correct") == (policy.answers == "right")).fill_null(value=False))
    selected = solutions.filter(*conditions)
    tally.leave_out("solutions", NOT_SELECTED, len(solutions) - len(selected))
    if not policy.splits:
        return selected.with_columns(split=pl.lit(""))
    splits = {statement: split_of(statement, policy) for statement in statements}
    return selected.with_columns(split=pl.col("statement").replace_strict(splits, return_dtype=pl.String))


def selected_within_problems(solutions: pl.DataFrame, paths: pl.Series, policy: LabelPolicy, tally: Tally) -> pl.Series:
    """Whether the rules for all solutions of a problem keep each solution. Counts the others."""
    texts = whole_texts(solutions, paths)
    columns = solutions.select("problem", "statement", "is_correct", "source").with_columns(text=texts)
    is_kept = [True] * len(columns)
    for _, of_problem in columns.with_row_index("row").group_by("problem", maintain_order=True):
        candidates = [
            Candidate(row["row"], row["text"], row["is_correct"], row["source"]) for row in of_problem.to_dicts()
        ]
        for row, reason in select_solutions(of_problem["statement"][0], candidates, policy).items():
            is_kept[row] = False
            tally.leave_out("solutions", reason)
    return pl.Series(is_kept, dtype=pl.Boolean)


def paths_of(steps: pl.DataFrame, size: int) -> pl.Series:
    """For each of so many solutions, the list of its chosen steps' texts."""
    path = steps.filter("chosen")
    starts = np.zeros(size + 1, dtype=np.int64)
    starts[1:] = np.cumsum(np.bincount(rows_of(path["key"]), minlength=size))
    texts = path["text"].to_arrow(compat_level=pl.CompatLevel.newest())
    paths = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(starts, pa.int64()), texts))
    assert isinstance(paths, pl.Series)
    return paths


def whole_texts(solutions: pl.DataFrame, paths: pl.Series) -> pl.Series:
    """The text of each solution: its chosen steps, joined by its separator, or as it was imported."""
    is_given = pl.col("whole_text").fill_null("") != ""
    joined = pl.col("path").list.join(pl.col("separator"))
    placed = solutions.select("separator", "whole_text").with_columns(path=paths)
    return placed.select(pl.when(is_given).then("whole_text").otherwise(joined).alias("text"))["text"]


def chunk_of(records: Sequence[Record]) -> SolutionChunk:
    """The chunk of records with a solution, in their order, which are selected already and counted."""
    numbers: dict[str, int] = {}
    rows = []
    for row, record in enumerate(records):
        if record.solution is not None:
            number = numbers.setdefault(record.problem.statement, len(numbers))
            rows.append((row, number, *_of_solution(record.solution), *_of_problem(record.problem)))
    schema = SOLUTIONS | {name: kind for name, kind in PROBLEMS.items() if name != "problem"} | {"split": pl.String}
    return SolutionChunk(pl.DataFrame(rows, schema=schema, orient="row"), frames_of(records), Tally())


def _of_solution(solution: SolutionRecord) -> tuple[Any, ...]:
    text = solution.extras.get("text")
    return solution.source, solution.is_correct, solution.separator, None if text is None else str(text)


def _of_problem(problem: ProblemRecord) -> tuple[Any, ...]:
    messages = problem.extras.get("messages")
    return problem.statement, problem.subject, msgspec.json.encode(messages).decode() if messages else None, ""


# Of the canonical row, which holds all but the labels of a cascade: these follow from its runs.
EVERY_SOURCE = ("consensus", "estimates", "gold", "people", "verdicts")


def sources_needed(policy: LabelPolicy) -> Sequence[str]:
    """The kinds of ratings that the policy's sources are made of."""
    needed = {kind for source in policy.sources for kind in _KINDS[source]}
    if "human" in policy.sources and policy.people == "majority":
        needed.add("consensus")  # Adjudicated ratings override every majority.
    if "values" in policy.columns:
        needed.add("estimates")
    return sorted(needed)


_KINDS = {
    "gold": ("gold",),
    "adjudicated": ("consensus",),
    "consensus": ("consensus",),
    "human": ("people",),
    "monte_carlo_hard": ("estimates",),
    "monte_carlo_soft": ("estimates",),
    "judge": ("verdicts",),
    "monte_carlo_and_judge": ("estimates", "verdicts"),
    "cascade": ("cascade",),
}
