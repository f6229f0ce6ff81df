"""Shows a file's first rows as an import would store them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from apps.corpus.imports.columns import (
    Column,
    Question,
    columns_of,
    guessed_mapping,
    guessed_tool_mapping,
    questions_of,
)
from apps.corpus.imports.files import FileShape, Line, read_rows, shape_of
from apps.corpus.imports.readers import READERS, Reader, ReaderOptions, detect, options_for
from apps.corpus.imports.readers.base import ToolReader
from apps.corpus.imports.readers.tools.answers import Answer
from apps.corpus.imports.shown_records import ShownRecord, shown_record
from apps.corpus.records import RowError, checked

LOOKED_AT = 100
SHOWN = 20
MOST_QUESTIONS = 60
# How many columns are offered; a row with more than MOST_NAMES names is one object that holds the rows.
MOST_COLUMNS, MOST_NAMES = 100, 500

# The targets of a mapping with their titles.
TARGETS: dict[str, str] = {
    "problem.statement": "Problem",
    "solution.text": "Solution, as one text",
    "solution.steps": "Solution, as a list of steps",
    "problem.reference_answer": "Reference answer",
    "problem.reference_solution": "Reference solution",
    "solution.final_answer": "Final answer of the solution",
    "solution.is_correct": "Is the answer right",
    "solution.source": "Who wrote the solution",
    "problem.external_id": "ID of the problem",
    "solution.external_id": "ID of the solution",
    "problem.subject": "Subject",
    "problem.level": "Level",
    "solution.verifier_score": "Score of the solution",
    "first_error": "First error, from 0; -1 is none",
    "error_steps": "Wrong steps, a list numbered from 1",
    "labels": "A label for each step",
    "step_scores": "A score for each step, 0 to 1",
}


# Those of a labeling tool's export, beside its questions.
TOOL_TARGETS = {
    "problem.statement": TARGETS["problem.statement"],
    "solution.text": TARGETS["solution.text"],
    "solution.steps": TARGETS["solution.steps"],
    "comparison.left.text": "Left answer, of two to compare",
    "comparison.right.text": "Right answer",
    **{
        target: TARGETS[target]
        for target in (
            "problem.reference_answer",
            "solution.final_answer",
            "solution.source",
            "problem.external_id",
            "solution.external_id",
            "problem.subject",
            "problem.level",
        )
    },
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The first lines of a file. `ends`: it has no more than these.

    `more_columns` counts those beyond the ones that are offered; `widest` is the number of names in the widest row.
    """

    lines: list[Line]
    ends: bool
    detected: str | None
    columns: list[Column]
    shape: FileShape | None = None
    more_columns: int = 0
    widest: int = 0

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        return [line.row for line in self.lines if line.error is None]

    @property
    def looks_like_one_object(self) -> bool:
        """Whether its rows seem to be in one object, each under a name."""
        return self.widest > MOST_NAMES


@dataclass(frozen=True, slots=True)
class Preview:
    """`records` are the first ones, `errors` those of the rejected lines of the sample.

    `read` is the number of records of the whole sample.
    """

    format: str
    sample: Sample
    records: list[ShownRecord] = field(default_factory=list)
    errors: list[tuple[int, RowError]] = field(default_factory=list)
    read: int = 0

    @property
    def file_error(self) -> str:
        """Why the file cannot be read at all; empty where it has rows."""
        return self.errors[0][1].reason if len(self.errors) == 1 and not self.sample.rows else ""

    @property
    def better_format(self) -> Reader | None:
        """The format that the rows look like, where none of them can be read as the chosen one."""
        detected = self.sample.detected
        return READERS[detected] if not self.read and detected and detected != self.format else None


def sample_of(path: Path) -> Sample:
    """Read the first lines, and what format they look like. Raises OSError when the file cannot be opened."""
    lines = list(islice(read_rows(path), LOOKED_AT + 1))
    looked_at = lines[:LOOKED_AT]
    rows = [line.row for line in looked_at if line.error is None]
    detected = detect(rows)
    reader = READERS.get(detected or "")
    columns = columns_of(map(reader.without_answers, rows) if isinstance(reader, ToolReader) else rows)
    return Sample(
        looked_at,
        len(lines) <= LOOKED_AT,
        detected,
        columns[:MOST_COLUMNS],
        more_columns=max(0, len(columns) - MOST_COLUMNS),
        widest=max((len(row) for row in rows), default=0),
        shape=shape_of(path),
    )


def questions_in(sample: Sample, format_: str) -> list[Question]:
    """The questions that the sample's rows of a labeling tool answer; none in other formats."""
    reader = READERS.get(format_)
    if not isinstance(reader, ToolReader):
        return []
    answers: list[Answer] = []
    for row in sample.rows:
        with suppress(RowError):  # The preview says what is wrong with the row.
            answers.extend(reader.answers(row))
    return questions_of(answers)[:MOST_QUESTIONS]


def guessed_options(sample: Sample, format_: str) -> dict[str, Any]:
    """Options to begin with: the mapping that the names of the columns and questions suggest."""
    reader = READERS[format_]
    if isinstance(reader, ToolReader):
        mapping = guessed_tool_mapping(sample.rows, reader.material(sample.rows), questions_in(sample, format_))
        return {"mapping": mapping} if mapping else {}
    if format_ != "jsonl" or sample.detected == "jsonl":
        return {}
    mapping = guessed_mapping(sample.columns)
    return {"mapping": mapping} if "problem.statement" in mapping else {}


def preview(
    sample: Sample,
    *,
    format: str | None = None,  # noqa: A002 - the name in the API and the form
    options: Mapping[str, Any] | None = None,
) -> Preview:
    """The sample read as `format`, by default as the detected one. Raises RowError for invalid options."""
    chosen = format or sample.detected or "jsonl"
    records, errors, read = _read(sample.lines, chosen, options_for(READERS[chosen], options or {}))
    return Preview(chosen, sample, records, errors, read)


def _read(
    lines: Iterable[Line], name: str, options: ReaderOptions
) -> tuple[list[ShownRecord], list[tuple[int, RowError]], int]:
    """The first records, all the errors, and the number of records."""
    shown: list[ShownRecord] = []
    errors: list[tuple[int, RowError]] = []
    read = 0
    for line in lines:
        try:
            if line.error is not None:
                raise line.error
            records = [checked(record) for record in READERS[name].read(line.row, options)]
        except RowError as error:
            errors.append((line.number, error))
            continue
        read += len(records)
        shown.extend(shown_record(line.number, record) for record in records[: SHOWN - len(shown)])
    return shown, errors, read
