"""Shows a file's first rows as an import would store them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from apps.corpus.imports.files import Line, read_rows
from apps.corpus.imports.readers import READERS, ReaderOptions, detect, options_for
from apps.corpus.records import Record, RowError, checked

LOOKED_AT = 100
SHOWN = 5
# How many columns are offered; a row with more than MOST_NAMES names is one object that holds the rows.
MOST_COLUMNS, MOST_NAMES = 100, 500

# The targets of a mapping with their titles, and the column names that usually mean them.
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
_USUAL: dict[str, tuple[str, ...]] = {
    "problem.statement": ("problem", "question", "prompt", "instruction", "query", "statement"),
    "solution.text": (
        "solution",
        "response",
        "completion",
        "output",
        "generation",
        "model_output",
        "generated_solution",
    ),
    "solution.steps": ("steps", "completions", "solution_steps"),
    "problem.reference_answer": (
        "answer",
        "ground_truth",
        "expected_answer",
        "reference_answer",
        "gold_answer",
        "target",
    ),
    "problem.reference_solution": ("reference_solution", "ground_truth_solution"),
    "solution.final_answer": ("final_answer", "pred", "prediction", "extracted_answer", "predicted_answer"),
    "solution.is_correct": ("is_correct", "correct", "final_answer_correct", "passed"),
    "solution.source": ("source", "model", "generator", "model_name"),
    "problem.external_id": ("problem_id", "unique_id", "question_id"),
    "solution.external_id": ("id", "solution_id", "sample_id"),
    "problem.subject": ("subject", "type", "category", "topic"),
    "problem.level": ("level", "difficulty"),
    "solution.verifier_score": ("verifier_score", "orm_score"),
    "first_error": ("first_error", "mistake_index", "first_error_step"),
    "error_steps": ("error_steps", "reason_error_section_numbers"),
    "labels": ("process_correctness", "step_labels"),
    "step_scores": ("step_scores", "rating_probs", "prm_scores"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its dotted path, and a value of it as text."""

    path: str
    example: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The first lines of a file. `ends`: it has no more than these.

    `more_columns` counts those beyond the ones that are offered; `widest` is the number of names in the widest row.
    """

    lines: list[Line]
    ends: bool
    detected: str | None
    columns: list[Column]
    more_columns: int = 0
    widest: int = 0

    @property
    def looks_like_one_object(self) -> bool:
        """Whether its rows seem to be in one object, each under a name."""
        return self.widest > MOST_NAMES


@dataclass(frozen=True, slots=True)
class Preview:
    """`records` are the first ones with their line, `errors` those of the rejected lines of the sample.

    `read` is the number of records of the whole sample.
    """

    format: str
    sample: Sample
    records: list[tuple[int, Record]] = field(default_factory=list)
    errors: list[tuple[int, RowError]] = field(default_factory=list)
    read: int = 0


def sample_of(path: Path) -> Sample:
    """Read the first lines, and what format they look like. Raises OSError when the file cannot be opened."""
    lines = list(islice(read_rows(path), LOOKED_AT + 1))
    looked_at = lines[:LOOKED_AT]
    rows = [line.row for line in looked_at if line.error is None]
    columns = columns_of(rows)
    return Sample(
        looked_at,
        len(lines) <= LOOKED_AT,
        detect(rows),
        columns[:MOST_COLUMNS],
        more_columns=max(0, len(columns) - MOST_COLUMNS),
        widest=max((len(row) for row in rows), default=0),
    )


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
) -> tuple[list[tuple[int, Record]], list[tuple[int, RowError]], int]:
    """The first records, all the errors, and the number of records."""
    shown: list[tuple[int, Record]] = []
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
        shown.extend((line.number, record) for record in records[: SHOWN - len(shown)])
    return shown, errors, read


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Every path that a row has, also within objects, with its first value that is not null."""
    values: dict[str, Any] = {}
    for row in rows:
        for path, value in _paths(row, ""):
            if values.get(path) is None:
                values[path] = value
    return [Column(path, "" if value is None else str(value)[:80]) for path, value in values.items()]


def _paths(row: Mapping[str, Any], above: str) -> Iterable[tuple[str, Any]]:
    for name, value in row.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, dict) and above.count(".") < 2:
            yield from _paths(value, path)
        elif "." not in name:
            yield path, value


def guessed_mapping(columns: Sequence[Column]) -> dict[str, str]:
    """A mapping to begin with: columns whose names usually mean something."""
    by_name = {column.path.rpartition(".")[2].lower(): column.path for column in reversed(columns)}
    guessed = {
        target: next((by_name[name] for name in names if name in by_name), "") for target, names in _USUAL.items()
    }
    if guessed["solution.steps"]:
        guessed["solution.text"] = ""
    return {target: path for target, path in guessed.items() if path}
