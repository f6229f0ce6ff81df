"""From the records of a chunk to the rows of each split: filters, selection within a problem, the format. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import polars as pl

from apps.corpus.records import Record
from apps.exports.formats.base import Format, Need, Row
from apps.exports.formats.columnar import ColumnFormat
from apps.exports.labels.batch import batched
from apps.exports.labels.columns.chunk import chunk_of
from apps.exports.labels.columns.steps import CASCADE
from apps.exports.labels.contamination import CONTAMINATED, ContaminationIndex
from apps.exports.labels.prompts import full_text
from apps.exports.labels.selection import Candidate, select_solutions, selects_solutions
from apps.exports.labels.steps import is_selected, resolve
from apps.exports.policy import LabelPolicy, split_of
from apps.exports.rows.addresses import COLUMN
from apps.exports.tally import Tally, Unit

NOT_SELECTED = "not selected by the policy"


def needs_whole_problems(format_: Format, policy: LabelPolicy) -> bool:
    """Whether rows depend on all solutions of a problem, however many there are."""
    return format_.by_problem or selects_solutions(policy)


def rows_by_split(
    records: Sequence[Record],
    format_: Format,
    policy: LabelPolicy,
    tally: Tally,
    index: ContaminationIndex | None = None,
) -> dict[str, list[Row]]:
    """The rows of records that are in the order of their problems, by split; without those of test problems in `index`."""
    if isinstance(format_, ColumnFormat):
        return _rows_in_columns(records, format_, policy, tally, index)
    rows: dict[str, list[Row]] = {}
    has_cascade = Need.CASCADE in format_.needs(policy)
    with batched(records):
        for statement, of_problem in groupby(records, key=lambda record: record.problem.statement):
            selected = list(kept_records(statement, list(of_problem), policy, tally, index))
            if has_cascade:
                tally.by_cascade += sum(_is_by_cascade(record, policy) for record in selected)
            of_split = rows.setdefault(split_of(statement, policy), [])
            if format_.by_problem:
                problem_rows = format_.problem_rows(selected, policy, tally) if selected else ()
                of_split.extend(_addressed(problem_rows, selected[0].problem_address if selected else "", policy))
            else:
                for record in selected:
                    of_split.extend(_addressed(format_.rows(record, policy, tally), record.address, policy))
    return rows


def _is_by_cascade(record: Record, policy: LabelPolicy) -> bool:
    return any(labeled.source == CASCADE for labeled in resolve(record, policy))


def _rows_in_columns(
    records: Sequence[Record],
    format_: ColumnFormat,
    policy: LabelPolicy,
    tally: Tally,
    index: ContaminationIndex | None,
) -> dict[str, list[Row]]:
    by_problem = groupby(records, key=lambda record: record.problem.statement)
    selected = [
        record
        for statement, of_problem in by_problem
        for record in kept_records(statement, list(of_problem), policy, tally, index)
    ]
    frame = format_.frame(chunk_of(selected), policy, tally) if selected else pl.DataFrame(schema={"row": pl.Int64})
    rows: dict[str, list[Row]] = {}
    for number, row in zip(frame["row"], frame.drop("row").iter_rows(named=True), strict=True):
        of_split = rows.setdefault(split_of(selected[number].problem.statement, policy), [])
        of_split.extend(_addressed([row], selected[number].address, policy))
    return rows


def _addressed(rows: Iterable[Row], address: str, policy: LabelPolicy) -> Iterable[Row]:
    """The rows, with the column `lineage` where the policy asks for it."""
    return ({**row, COLUMN: address} for row in rows) if policy.lineage == "column" else rows


def kept_records(
    statement: str, records: Sequence[Record], policy: LabelPolicy, tally: Tally, index: ContaminationIndex | None
) -> Iterator[Record]:
    """The records of one problem that the policy selects. Counts all of them."""
    if index is not None and index.contains(statement):
        reasons = {id(record): CONTAMINATED for record in records}
    else:
        reasons = {id(record): NOT_SELECTED for record in records if not is_selected(record, policy)}
        reasons |= _reasons(statement, [record for record in records if id(record) not in reasons], policy)
    for record in records:
        unit: Unit = "solutions" if record.comparison is None else "comparisons"
        if reason := reasons.get(id(record)):
            tally.leave_out(unit, reason)
            continue
        if record.comparison is None:
            tally.solutions += 1
        else:
            tally.comparisons += 1
        yield record


def _reasons(statement: str, records: Sequence[Record], policy: LabelPolicy) -> dict[int, str]:
    """Why solutions are left out by the rules for all solutions of a problem, by the identity of the record."""
    if not selects_solutions(policy):
        return {}
    solutions = [record for record in records if record.solution is not None]
    candidates = [
        Candidate(key, full_text(record.solution), record.solution.is_correct, record.solution.source)
        for key, record in enumerate(solutions)
        if record.solution is not None
    ]
    reasons = select_solutions(statement, candidates, policy)
    return {id(solutions[key]): reason for key, reason in reasons.items()}
