"""Argilla's records (read in 2.8.0): nested, as `to_json` and `to_dict` write them, or flat, as `to_datasets` does.

The mapping names the fields of the record and the questions. Responses become labels of people, by the id of the user;
suggestions become verdicts of their agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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

RESPONSES, SUGGESTION = ".responses", ".suggestion"
SUBMITTED = "submitted"
NO_STATUS = "responses[].status (not in this export: drafts and discarded responses count as well)"


class Argilla:
    name = "argilla"
    title = "Argilla"
    about = (
        "Records with responses and suggestions, by to_json or as a dataset. The mapping names fields and questions."
    )

    def looks_like(self, row: Row) -> bool:
        is_nested = _is_nested(row) and ("responses" in row or "suggestions" in row)
        return is_nested or any(name.endswith((f"{RESPONSES}.users", f"{SUGGESTION}.agent")) for name in row)

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        check_tool_mapping(mapping)

    def material(self, rows: Sequence[Row]) -> str:
        return "fields" if rows and _is_nested(rows[0]) else ""

    def without_answers(self, row: Row) -> Row:
        names = ("responses", "suggestions") if _is_nested(row) else [name for name in row if _is_answer(name)]
        return {name: value for name, value in row.items() if name not in names}

    def answers(self, row: Row) -> Iterator[Answer]:
        people, models = _answered(row, [])
        for answered in (*people, *models):
            yield from answered.answers

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        notes: list[str] = []
        people, models = _answered(row, notes)
        rest, at = self.without_answers(row), self.material([row])
        subject = subject_of(rest, rest[at] if at else rest, at, options)
        yield with_answers(subject, people, models, notes, ("responses", "suggestions"))


def _is_nested(row: Row) -> bool:
    return isinstance(row.get("fields"), dict)


def _answered(row: Row, notes: list[str]) -> tuple[list[Answered], list[Answered]]:
    """What people answered, and what models suggest."""
    fields = Fields(row)
    if _is_nested(row):
        return _by_giver(_nested_responses(fields, notes)), _by_giver(_nested_suggestions(fields))
    return _by_giver(_flat_responses(fields, notes)), _by_giver(_flat_suggestions(row, notes))


def _is_answer(name: str) -> bool:
    ends = (
        RESPONSES,
        f"{RESPONSES}.users",
        f"{RESPONSES}.status",
        SUGGESTION,
        f"{SUGGESTION}.score",
        f"{SUGGESTION}.agent",
    )
    return name.endswith(ends)


Given = tuple[str, Answer]  # Who or what gave the answer.


def _nested_responses(record: Fields, notes: list[str]) -> Iterator[Given]:
    questions = record.maybe_object("responses")
    for name in questions.row if questions else ():
        assert questions is not None
        for response in questions.objects(name):
            if response.maybe_text("status") is None:
                notes.append(NO_STATUS)
            given = _response(name, response, notes)
            if given is not None:
                yield given


def _response(name: str, response: Fields, notes: list[str]) -> Given | None:
    status = response.maybe_text("status")
    if status not in (None, SUBMITTED):
        notes.append(f"responses[] ({status})")
        return None
    user = response.text("user_id", most=200)
    return (
        None
        if is_blank(response.row.get("value"))
        else (user, _answer(name, response.row["value"], response.at("value")))
    )


def _flat_responses(row: Fields, notes: list[str]) -> Iterator[Given]:
    for column in row.row:
        if not column.endswith(RESPONSES) or row.row[column] is None:
            continue
        values = row.listed(column)
        users, statuses = (_beside(row, f"{column}.{part}", len(values)) for part in ("users", "status"))
        if statuses is None and values:
            notes.append(NO_STATUS)
        for place, value in enumerate(values):
            if users is None:
                raise RowError(f"{column}.users", "is missing: whose responses are these?")
            response = {"value": value, "user_id": users[place], "status": statuses[place] if statuses else None}
            given = _response(column.removesuffix(RESPONSES), Fields(response, f"{column}[{place}]"), notes)
            if given is not None:
                yield given


def _beside(row: Fields, column: str, length: int) -> list[Any] | None:
    if row.row.get(column) is None:
        return None
    values = row.listed(column)
    if len(values) != length:
        raise RowError(column, f"has {len(values)} items for {length} responses")
    return values


def _nested_suggestions(record: Fields) -> Iterator[Given]:
    questions = record.maybe_object("suggestions")
    for name in questions.row if questions else ():
        assert questions is not None
        suggestion = questions.maybe_object(name)
        if suggestion is not None and not is_blank(suggestion.row.get("value")):
            yield _agent(suggestion.maybe_text("agent")), _answer(name, suggestion.row["value"], suggestion.at("value"))


def _flat_suggestions(row: Row, notes: list[str]) -> Iterator[Given]:
    for column, value in row.items():
        if not column.endswith(SUGGESTION) or is_blank(value):
            continue
        name = column.removesuffix(SUGGESTION)
        if _is_class_number(value, row.get(f"{name}{RESPONSES}")):
            notes.append(f"{column} (the number of a class, whose name is not in the row)")
            continue
        agent = row.get(f"{column}.agent")
        yield _agent(agent if isinstance(agent, str) else None), _answer(name, value, column)


def _is_class_number(value: Any, responses: Any) -> bool:
    """`to_datasets` writes a suggested label as the number of its class. Ratings are numbers in the responses too."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    numbers = [response for response in responses if isinstance(response, int)] if isinstance(responses, list) else []
    return is_number and not numbers


def _agent(name: str | None) -> str:
    return (name or "").strip()[:200] or "argilla"


def _answer(question: str, value: Any, at: str) -> Answer:
    return Answer(question=question, at=at, values=texts_of(value))


def _spread(answer: Answer) -> Iterator[Answer]:
    """A span question has a list of spans: an answer for each."""
    spans = [value for value in answer.values if isinstance(value, dict) and "start" in value]
    if not spans:
        yield answer
        return
    for place, value in enumerate(spans):
        span = Fields(value, f"{answer.at}[{place}]")
        start, end = span.maybe_int("start", least=0), span.maybe_int("end", least=0)
        if start is None or end is None or start > end:
            raise span.wrong("end", "the characters from start to end")
        yield Answer(answer.question, span.at("label"), [span.text("label")], span=(start, end))


def _by_giver(given: Iterator[Given]) -> list[Answered]:
    answers: dict[str, list[Answer]] = {}
    for name, answer in given:
        answers.setdefault(name, []).extend(_spread(answer))
    return [Answered(name=name, answers=answers[name]) for name in answers]
