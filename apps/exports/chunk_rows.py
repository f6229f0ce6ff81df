"""From the records of a chunk to the rows of each split: filters, selection within a problem, the format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from apps.corpus.records import Record
from apps.exports.formats.base import Format, Row
from apps.exports.labels.batch import batched
from apps.exports.labels.contamination import CONTAMINATED, ContaminationIndex
from apps.exports.labels.prompts import full_text
from apps.exports.labels.selection import Candidate, select_solutions, selects_solutions
from apps.exports.labels.steps import is_selected
from apps.exports.policy import LabelPolicy, split_of
from apps.exports.tally import Tally, Unit

NOT_SELECTED = "not selected by the policy"


def rows_by_split(
    records: Sequence[Record],
    format_: Format,
    policy: LabelPolicy,
    tally: Tally,
    index: ContaminationIndex | None = None,
) -> dict[str, list[Row]]:
    """The rows of records that are in the order of their problems, by split; without those of test problems in `index`."""
    rows: dict[str, list[Row]] = {}
    with batched(records):
        for statement, of_problem in groupby(records, key=lambda record: record.problem.statement):
            kept = list(_kept(statement, list(of_problem), policy, tally, index))
            of_split = rows.setdefault(split_of(statement, policy), [])
            if format_.by_problem:
                of_split.extend(format_.problem_rows(kept, policy, tally) if kept else ())
            else:
                for record in kept:
                    of_split.extend(format_.rows(record, policy, tally))
    return rows


def _kept(
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
