"""Label Studio's JSON export (read in 1.23.2): a task with its `data`, and the results of its annotations.

The mapping names the fields of `data` and the controls by `from_name`. Choices, ratings, numbers, texts, pairwise
selections, and labels of paragraphs and of spans are read; a result is about a step by the number in its control's name
(Repeater), by `item_index`, by its paragraphs, or by the characters that it covers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields, is_blank
from apps.corpus.imports.readers.tools.answers import Answer
from apps.corpus.imports.readers.tools.export import (
    Answered,
    check_tool_mapping,
    subject_of,
    texts_of,
    with_answers,
)
from apps.corpus.records import Record, RowError

# Keys of the value of a result that hold its answer.
VALUES = (
    "choices",
    "rating",
    "number",
    "text",
    "selected",
    "paragraphlabels",
    "hypertextlabels",
    "labels",
)
ANNOTATIONS = ("annotations", "completions")  # Before version 1.0 they were called completions.
READ = ("id", "completed_by", "result", "was_cancelled", "ground_truth", "lead_time", "created_at", "skipped")
MOST_PLACES = 1000


class LabelStudio:
    name = "label-studio"
    title = "Label Studio"
    about = "The JSON export: tasks with annotations and predictions. The mapping names the data and the controls."

    def looks_like(self, row: Row) -> bool:
        is_task = isinstance(row.get("data"), dict) and any(isinstance(row.get(name), list) for name in ANNOTATIONS)
        return is_task or {"annotator", "annotation_id", "lead_time"} <= row.keys()

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        check_tool_mapping(mapping)

    def material(self, rows: Sequence[Row]) -> str:
        return "data"

    def without_answers(self, row: Row) -> Row:
        return {key: value for key, value in row.items() if key not in (*ANNOTATIONS, "predictions")}

    def answers(self, row: Row) -> Iterator[Answer]:
        fields = Fields(row)
        name = next((name for name in ANNOTATIONS if name in row), ANNOTATIONS[0])
        for answered in (*_annotations(fields, name, []), *_predictions(fields, [])):
            yield from answered.answers

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        if "data" not in row and {"annotator", "annotation_id"} <= row.keys():
            raise RowError(
                "annotation_id", "this is Label Studio's export JSON_MIN, which leaves out results: export JSON"
            )
        fields = Fields(row)
        data = fields.object("data")
        name = next((name for name in ANNOTATIONS if name in row), ANNOTATIONS[0])
        subject = subject_of(self.without_answers(row), data.row, "data", options)
        notes: list[str] = []
        people = list(_annotations(fields, name, notes))
        models = list(_predictions(fields, notes))
        yield with_answers(subject, people, models, notes, (f"{name}[].result[]", "predictions[].result[]"))


def _annotations(task: Fields, name: str, notes: list[str]) -> Iterator[Answered]:
    for annotation in task.objects(name):
        notes += [f"{name}[].{key}" for key, value in annotation.row.items() if key not in READ and not is_blank(value)]
        if annotation.maybe_bool("was_cancelled") or annotation.maybe_bool("skipped"):
            notes.append(f"{name}[] (skipped by the labeler)")
            continue
        seconds = annotation.maybe_float("lead_time")
        if seconds is not None and not 0 <= seconds < 10**9:
            raise annotation.wrong("lead_time", "seconds from 0")
        yield Answered(
            name=_labeler(annotation),
            answers=list(_answers(annotation, f"{name}[].result[]", notes)),
            submitted_at=annotation.maybe_time("created_at"),
            active_ms=None if seconds is None else math.floor(seconds * 1000),
            is_gold=bool(annotation.maybe_bool("ground_truth")),
        )


def _labeler(annotation: Fields) -> str:
    """By the id, which every form of the export has: an e-mail address would become the pseudonym of the labeler."""
    value = annotation.row.get("completed_by")
    if isinstance(value, dict):
        value = value.get("id")
    if value is None:
        return "label-studio-unknown"
    if isinstance(value, bool) or not isinstance(value, int):
        raise RowError(
            annotation.at("completed_by"), f"expected the id of a user, or an object with it, found {named(value)}"
        )
    return f"label-studio-{value}"


def _predictions(task: Fields, notes: list[str]) -> Iterator[Answered]:
    if task.row.get("predictions") is None:
        return
    if any(isinstance(prediction, int) for prediction in task.listed("predictions")):
        notes.append("predictions[] (their ids alone: the export leaves out their content)")
        return
    for prediction in task.objects("predictions"):
        model = prediction.maybe_text("model_version")
        if prediction.row.get("score"):
            notes.append("predictions[].score")
        yield Answered(
            name=(model or "").strip()[:200] or "label-studio",
            answers=list(_answers(prediction, "predictions[].result[]", notes)),
        )


# --- results ----------------------------------------------------------------------------------------------


def _answers(holder: Fields, where: str, notes: list[str]) -> Iterator[Answer]:
    for result in holder.objects("result"):
        kind = result.maybe_text("type") or ""
        name = result.maybe_text("from_name")
        if name is None:
            notes.append(f"{where} ({kind or 'without from_name'})")
            continue
        value = result.object("value")
        key = next(
            (key for key in (kind, *VALUES) if key in VALUES and key in value.row and _holds(value, key, kind)), None
        )
        if key is None:
            notes.append(f"{where} {name} ({kind or 'of an unknown type'} is not read)")
            continue
        yield Answer(
            question=name,
            at=value.at(key),
            values=texts_of(value.row[key]),
            places=_places(result, value),
            span=_span(value),
            text=value.row["text"] if key != "text" and isinstance(value.row.get("text"), str) else None,
        )


def _holds(value: Fields, key: str, kind: str) -> bool:
    """`text` is the answer of a text area; in the value of a region it is what the region covers."""
    return key != "text" or kind in ("textarea", "")


def _places(result: Fields, value: Fields) -> list[int]:
    """The numbers of the paragraphs, or of the item."""
    item = result.maybe_int("item_index", least=0, most=100_000)
    if item is not None:
        return [item]
    if "globalOffsets" in value.row or not ("paragraphlabels" in value.row or "startOffset" in value.row):
        return []
    start, end = (value.maybe_int(name, least=0, most=100_000) for name in ("start", "end"))
    if start is None or end is None or not start <= end < start + MOST_PLACES:
        raise RowError(value.at("end"), f"expected a paragraph from {start} on, found {named(value.row.get('end'))}")
    # A selection up to the first character of a paragraph does not include it.
    last = end - (end > start and value.row.get("endOffset") == 0)
    return list(range(start, last + 1))


def _span(value: Fields) -> tuple[int, int] | None:
    offsets = value.maybe_object("globalOffsets") or value
    start, end = (_place_of(offsets.row.get(name)) for name in ("start", "end"))
    if start < 0 or end < 0:
        return None
    if not start <= end:
        raise RowError(offsets.at("end"), f"expected a character from {start} on, found {named(end)}")
    return start, end


def _place_of(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
