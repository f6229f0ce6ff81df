"""From the answers that people or models gave in a labeling tool to ratings, preferences and critiques. Pure.

A tool asks questions (Label Studio calls them controls), and the option `mapping` says which of them is the rating of a
step, the first error, the preference and so on. `{{idx}}` in the name of a question is the number of its step from 0, as
Label Studio's Repeater writes it, and `{{idx+1}}` the number from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec import structs

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import ReaderOptions
from apps.corpus.imports.readers.marks import gold_up_to
from apps.corpus.imports.readers.meanings import (
    RATING_OF,
    UNSURE,
    rating_meaning,
    side_meaning,
    step_number,
)
from apps.corpus.labels import BAD, NO_ERROR
from apps.corpus.records import CritiqueRecord, PreferenceRecord, Record, RowError, StepRating

# What a question of a tool may be, with the titles of the page.
QUESTIONS: dict[str, str] = {
    "ratings": "The rating of each step",
    "first_error": "The first wrong step, from 0; -1 is none",
    "error_steps": "The wrong steps, numbered from 1",
    "preference": "Which of two answers is better",
    "rationale": "Why it is better",
    "critiques": "What is wrong with a step",
}
FIRST_ERRORS = ("first_error", "error_steps")
WHOLE = "is about the whole solution, which has several steps"
_FROM_0, _FROM_1 = "{{idx}}", "{{idx+1}}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its question, where it is in the row, and its values.

    The steps that it is about are those at `places`, or those that the characters of `span` touch, or by the name of the
    question. `text` is what the span covers, where the tool says so.
    """

    question: str
    at: str
    values: Sequence[Any]
    places: Sequence[int] = ()
    span: tuple[int, int] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What the answers are about: the record so far, and the text of its solution as the row has it."""

    record: Record
    text: str | None
    options: ReaderOptions

    @property
    def steps(self) -> list[str]:
        return [step.text for step in self.record.solution.path()] if self.record.solution else []

    @property
    def meanings(self) -> Mapping[str, str]:
        return self.options.meanings


@dataclass(slots=True)
class ReadAnswers:
    """What the answers of one person or model say. `ignored` names questions that are not read."""

    steps: dict[int, StepRating] = field(default_factory=dict)
    is_first_error: bool = False
    preference: PreferenceRecord | None = None
    rationale: str = ""
    critiques: list[CritiqueRecord] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.steps and self.preference is None and not self.critiques

    def finish_reason(self, length: int) -> str | None:
        ratings = [step.rating for step in self.steps.values()]
        if BAD in ratings:
            return "found_error"
        return "solution" if self.preference is not None or len(ratings) - ratings.count(None) == length else None


def read_answers(answers: Sequence[Answer], subject: Subject) -> ReadAnswers:
    """Raises RowError where an answer does not fit the question that the mapping says it answers."""
    read = ReadAnswers()
    mapping = subject.options.mapping
    questions = {target: mapping[target] for target in QUESTIONS if target in mapping}
    found = [(answer, *_target_of(answer.question, questions)) for answer in answers]
    # First errors last: they say less than the ratings of steps.
    for answer, target, place in sorted(found, key=lambda one: one[1] in FIRST_ERRORS):
        if not target:
            read.ignored.append(answer.question)
        elif target in ("preference", "rationale"):
            _read_pair_answer(target, answer, subject, read)
        elif subject.record.solution is None:
            read.ignored.append(f"{answer.question} (the row has no solution)")
        elif target in FIRST_ERRORS:
            _read_first_error(target, answer, subject, read)
        else:
            _read_step_answer(target, answer, place, subject, read)
    if read.preference is not None and read.rationale:
        read.preference = structs.replace(read.preference, rationale=read.rationale)
    return read


def _target_of(question: str, questions: Mapping[str, str]) -> tuple[str, int | None]:
    """What the question is by the mapping, and the place of its step where its name has one."""
    for target, pattern in questions.items():
        match = _pattern(pattern).fullmatch(question)
        if match is not None:
            place = int(match[1]) - (_FROM_1 in pattern) if match.groups() else None
            return target, place
    return "", None


@cache
def _pattern(name: str) -> re.Pattern[str]:
    sign = _FROM_1 if _FROM_1 in name else _FROM_0
    return re.compile(r"(\d{1,6})".join(map(re.escape, name.split(sign, 1))))


# --- the kinds of answers ---------------------------------------------------------------------------------


def _read_pair_answer(target: str, answer: Answer, subject: Subject, read: ReadAnswers) -> None:
    if subject.record.comparison is None:
        read.ignored.append(f"{answer.question} (the row has no two answers to compare)")
    elif target == "rationale":
        read.rationale = "\n".join(str(value) for value in answer.values)
    else:
        meanings = subject.meanings
        choice = _ranked_side(answer, meanings) or side_meaning(_only(answer), answer.at, meanings)
        read.preference = PreferenceRecord(choice=choice)


def _ranked_side(answer: Answer, meanings: Mapping[str, str]) -> str:
    """The first of two ranked answers; empty where the answer is no ranking."""
    ranks = [value for value in answer.values if isinstance(value, dict) and "rank" in value]
    if len(ranks) != 2 or len(answer.values) != 2:
        return ""
    for value in ranks:
        if not isinstance(value["rank"], int) or isinstance(value["rank"], bool):
            raise RowError(answer.at, f"expected a whole number as rank, found {named(value['rank'])}")
    if ranks[0]["rank"] == ranks[1]["rank"]:
        return "tie"
    best = min(ranks, key=lambda value: int(value["rank"]))
    return side_meaning(best.get("value"), answer.at, meanings)


def _read_first_error(target: str, answer: Answer, subject: Subject, read: ReadAnswers) -> None:
    length = len(subject.steps)
    numbers = [step_number(value, answer.at, subject.meanings) for value in answer.values]
    places = [number - (target == "error_steps") for number in numbers if number is not None]
    if target == "first_error" and len(answer.values) != 1:
        raise RowError(answer.at, f"expected one first error, found {len(answer.values)} values")
    for place in places:
        if not 0 <= place < length:
            raise RowError(answer.at, f"there is no step {place}, counted from 0: the solution has {length}")
    first_error = min(places, default=NO_ERROR)
    read.is_first_error = True
    for mark in gold_up_to(first_error, length):
        present = read.steps.get(mark.position)
        if present is None or present.rating is None:
            read.steps[mark.position] = StepRating(position=mark.position, rating=mark.rating, chosen=True)
        elif (present.rating == BAD) != (mark.rating == BAD):
            raise RowError(answer.at, f"contradicts the rating of step {mark.position}, counted from 0")
    if len(set(places)) > 1:
        read.ignored.append(f"{answer.question} (after the first error)")


def _read_step_answer(target: str, answer: Answer, place: int | None, subject: Subject, read: ReadAnswers) -> None:
    length = len(subject.steps)
    places = _places_of(answer, place, subject)
    if not places:
        read.ignored.append(f"{answer.question} ({WHOLE})")
        return
    for position in places:
        if not 0 <= position < length:
            raise RowError(answer.at, f"there is no step {position}, counted from 0: the solution has {length}")
        if target == "critiques":
            text = "\n".join(str(value) for value in answer.values)
            if text.strip():
                read.critiques.append(CritiqueRecord(position=position, text=text, origin="human", is_own=True))
        else:
            _rate(position, answer, subject.meanings, read.steps)


def _rate(position: int, answer: Answer, meanings: Mapping[str, str], steps: dict[int, StepRating]) -> None:
    """Of spans that touch one step the worst counts: a step with a wrong part is wrong. Otherwise one answer is expected."""
    meaning = rating_meaning(_only(answer), answer.at, meanings)
    if meaning not in (*RATING_OF, UNSURE):
        return
    rating = StepRating(position=position, rating=RATING_OF.get(meaning), unsure=meaning == UNSURE, chosen=True)
    present = steps.get(position)
    if present is not None and present != rating:
        if answer.span is None:
            raise RowError(answer.at, f"is a second, other rating of step {position}, counted from 0")
        if rating.rating is None or (present.rating is not None and present.rating <= rating.rating):
            return
    steps[position] = rating


def _only(answer: Answer) -> Any:
    if len(answer.values) != 1:
        raise RowError(answer.at, f"expected one choice, found {len(answer.values)}")
    return answer.values[0]


# --- the steps that an answer is about ---------------------------------------------------------------------


def _places_of(answer: Answer, place: int | None, subject: Subject) -> Sequence[int]:
    if place is not None:
        return [place]
    if answer.places:
        return answer.places
    if answer.span is not None:
        return _touched(answer, subject)
    return [0] if len(subject.steps) == 1 else []


def _touched(answer: Answer, subject: Subject) -> list[int]:
    """The steps of which the span covers more than white space."""
    whole = subject.text
    if whole is None:
        raise RowError(answer.at, "is a span of a text, and the solution comes as a list of steps: map solution.text")
    start, end = _checked_span(answer, whole)
    places: list[int] = []
    cursor = 0
    for place, step in enumerate(subject.steps):
        begin = whole.find(step, cursor)
        if begin < 0:
            raise RowError(answer.at, f"step {place} is not in the text of the solution: its span cannot be placed")
        cursor = begin + len(step)
        if whole[max(start, begin) : min(end, cursor)].strip():
            places.append(place)
    if not places:
        raise RowError(answer.at, f"covers no step: characters {start} to {end} of {len(whole)}")
    return places


def _checked_span(answer: Answer, whole: str) -> tuple[int, int]:
    """Browsers count the characters outside of the basic plane twice, so a span is checked by the text that it covers."""
    assert answer.span is not None
    start, end = answer.span
    if answer.text is None or whole[start:end].strip() == answer.text.strip():
        return start, end
    units = whole.encode("utf-16-le")
    begin = len(units[: 2 * start].decode("utf-16-le", errors="ignore"))
    covered = units[2 * start : 2 * end].decode("utf-16-le", errors="ignore")
    if covered.strip() != answer.text.strip():
        reason = f"covers {named(answer.text)}, which the solution does not have at character {start}"
        raise RowError(answer.at, f"{reason}: it is of another field")
    return begin, begin + len(covered)
