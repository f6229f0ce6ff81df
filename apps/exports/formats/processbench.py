"""ProcessBench, key for key: solutions with the first wrong step, counted from 0, or -1. It can be imported again."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import ARCHIVES, Reader, Row, SolutionFormat
from apps.exports.formats.first_error import FirstErrorFormat, count_first_error, digest, labeled_solution
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class ProcessBench(FirstErrorFormat, SolutionFormat):
    name = "processbench"
    title = "ProcessBench"
    about = "Solutions with their first wrong step, for measuring verifiers, critics and process reward models."
    group = ARCHIVES
    labels_steps = False
    readers: tuple[Reader, ...] = (
        Reader("ProcessBench", "", "its own scripts", "Its keys and types. Its scripts were not run."),
        Reader("Annotate", "", "`import_corpus --format processbench`", "Brings back the same first errors as gold."),
    )
    columns = pa.schema(
        [
            ("id", pa.string()),
            ("generator", pa.string()),
            ("problem", pa.string()),
            ("steps", pa.list_(pa.string())),
            ("final_answer_correct", pa.bool_()),
            ("label", pa.int64()),
        ]
    )

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        labeled = labeled_solution(record, policy, tally)
        if labeled is None or record.solution is None:
            return
        count_first_error(labeled, tally)
        yield {
            "id": record.solution.external_id or f"annotate-{digest(record)}",
            "generator": record.solution.source or "",
            "problem": record.problem.statement,
            "steps": list(labeled.texts),
            "final_answer_correct": record.solution.is_correct,
            "label": labeled.first_error,
        }
