"""The record of a labeling tool's row: problem and solution by the mapping, and what people and models answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from msgspec import structs

from apps.corpus import canonical_row
from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.canonical import Canonical, check_paths
from apps.corpus.imports.readers.row_paths import MISSING, has_each, value_at
from apps.corpus.imports.readers.tools.answers import QUESTIONS, Answer, ReadAnswers, Subject, read_answers
from apps.corpus.imports.readers.usual_names import USUAL_NAMES
from apps.corpus.labels import BAD
from apps.corpus.records import GoldRating, JudgeRecord, PersonRecord, Record, RowError, VerdictRecord

_CANONICAL = Canonical()
# What a row is read by where no mapping says more.
_USUAL_TARGETS = ("problem.statement", "problem.reference_answer", "solution.steps", "solution.text", "solution.source")
_PAIR_STEMS = ("response", "answer", "output", "completion", "solution", "generation")
_PAIR_ENDS = (("_a", "_b"), ("_1", "_2"), ("1", "2"), ("_0", "_1"), ("A", "B"), ("_A", "_B"))


@dataclass(frozen=True, slots=True)
class Answered:
    """What one person or model answered. `is_gold`: the tool calls it the truth."""

    name: str
    answers: Sequence[Answer]
    submitted_at: datetime | None = None
    active_ms: int | None = None
    is_gold: bool = False


def check_tool_mapping(mapping: Mapping[str, str]) -> None:
    """Raises RowError for a target that is neither a field of our row nor a question, and for a path that is none."""
    paths = {target: path for target, path in mapping.items() if target not in QUESTIONS}
    if paths and not {"problem", "problem.statement"} & paths.keys():
        raise RowError("mapping", "a mapping names at least the path of problem.statement")
    canonical_row.check_targets(paths)
    check_paths(paths)
    for target, path in paths.items():
        if has_each(path):
            raise RowError(
                "mapping", f"{target}: the labels of a tool are about one solution, so {path!r} cannot have [each]"
            )


def subject_of(row: Row, material: Row, above: str, options: ReaderOptions) -> Subject:
    """The problem and the solution. `material` is the part of the row, at `above`, with the data that people saw."""
    paths = {target: path for target, path in options.mapping.items() if target not in QUESTIONS}
    paths = paths or usual_paths(material, above)
    if not paths:
        reason = (
            'is missing: no field has a usual name; name it with the option mapping, {"problem.statement": "FIELD"}'
        )
        raise RowError(above or "problem", reason)
    (record,) = _CANONICAL.read(row, replace(options, mapping=paths))
    text = value_at(row, paths["solution.text"]) if "solution.text" in paths else MISSING
    return Subject(record, text if isinstance(text, str) and "solution.steps" not in paths else None, options)


def usual_paths(material: Row, above: str) -> dict[str, str]:
    """The paths of the fields whose names usually mean something; none without a problem."""
    at = f"{above}." if above else ""
    paths: dict[str, str] = {}
    for target in _USUAL_TARGETS:
        name = next((name for name in USUAL_NAMES[target] if material.get(name) not in (None, "", [])), None)
        if name is not None:
            paths[target] = f"{at}{name}"
    if "solution.steps" in paths:
        paths.pop("solution.text", None)
    for left, right in ((f"{stem}{a}", f"{stem}{b}") for stem in _PAIR_STEMS for a, b in _PAIR_ENDS):
        if isinstance(material.get(left), str) and isinstance(material.get(right), str):
            paths = {target: path for target, path in paths.items() if not target.startswith("solution.")}
            paths |= {"comparison.left.text": f"{at}{left}", "comparison.right.text": f"{at}{right}"}
            break
    return paths if "problem.statement" in paths else {}


def with_answers(
    subject: Subject,
    people: Iterable[Answered],
    models: Iterable[Answered],
    notes: Iterable[str],
    where: tuple[str, str],
) -> Record:
    """The record with labels of people, gold, and verdicts of models; `where` names both in notes of what is ignored."""
    ignored = [*subject.record.ignored, *notes]
    labelers: list[PersonRecord] = []
    judges: dict[str, JudgeRecord] = {}
    gold: list[GoldRating] = []
    for answered in people:
        read = read_answers(answered.answers, subject)
        ignored += [f"{where[0]} {name}" for name in read.ignored]
        if answered.is_gold and read.steps and not gold:
            gold = [
                GoldRating(position=step.position, rating=step.rating)
                for step in read.steps.values()
                if step.rating is not None
            ]
        elif not read.is_empty:
            labelers.append(_person(answered, read, len(subject.steps)))
    for answered in models:
        read = read_answers(answered.answers, subject)
        ignored += [f"{where[1]} {name}" for name in read.ignored]
        verdicts = [
            VerdictRecord(position=step.position, rating=step.rating)
            for step in read.steps.values()
            if step.rating is not None
        ]
        if verdicts and answered.name not in judges:
            judges[answered.name] = JudgeRecord(judge=answered.name, steps=verdicts)
        elif verdicts or read.preference is not None or read.critiques:
            reason = "another one of this model" if verdicts else "a model's verdict is on steps"
            ignored.append(f"{where[1]} ({reason})")
    return structs.replace(
        subject.record,
        people=labelers,
        gold=gold,
        judges=list(judges.values()),
        ignored=list(dict.fromkeys(ignored)),
    )


def _person(answered: Answered, read: ReadAnswers, length: int) -> PersonRecord:
    bad = [step.position for step in read.steps.values() if step.rating == BAD]
    goes_on = bool(bad) and max(read.steps) > min(bad)
    protocol = "comparison" if read.preference is not None else "every_step" if goes_on else "first_error"
    return PersonRecord(
        labeler=answered.name,
        protocol=protocol,
        finish_reason=read.finish_reason(length),
        submitted_at=answered.submitted_at,
        active_ms=answered.active_ms,
        steps=[read.steps[position] for position in sorted(read.steps)],
        critiques=read.critiques,
        preference=read.preference,
    )


def texts_of(value: Any) -> list[Any]:
    """An answer that is a list, or one value, as a list of values; none where there is nothing."""
    if value is None or value in ("", []):
        return []
    return list(value) if isinstance(value, list) else [value]
