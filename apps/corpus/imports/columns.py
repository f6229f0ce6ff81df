"""What a mapping can name: the paths that the first rows have, and the questions of a labeling tool. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.corpus.imports.readers.meanings import MOST_MEANINGS, usual_meaning
from apps.corpus.imports.readers.tools.answers import Answer
from apps.corpus.imports.readers.tools.export import usual_paths
from apps.corpus.imports.readers.usual_names import USUAL_NAMES
from apps.corpus.labels import SIDES

MOST_DEPTH, MOST_KEYS, MOST_ITEMS = 4, 20, 5
# Lists of solutions of one problem, as samplers write them.
_SOLUTIONS = (
    "generations",
    "solutions",
    "responses",
    "samples",
    "candidates",
    "outputs",
    "model_outputs",
    "completions",
)
_CONVERSATIONS = ("messages", "conversations", "conversation")
_LIST_TARGETS = ("solution.steps", "error_steps", "labels", "step_scores")
_PLAIN_NAME = re.compile(r"[^.\[\]]+")
_DOTTED_NAME = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+)+")
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,4})(\D*)")
MOST_CHOICES, LONGEST_CHOICE = 20, 60


@dataclass(frozen=True, slots=True)
class Column:
    """A path that the rows have, and a value of it as text."""

    path: str
    example: str

    def serves(self, target: str) -> bool:
        """Whether the target can be read from it: `[each]` is of solutions, and `[*]` is a list."""
        if "[each]" in self.path:
            return target.partition(".")[0] not in ("problem", "comparison")
        return "[*]" not in self.path or target in _LIST_TARGETS


@dataclass(slots=True)
class Question:
    """A question of a labeling tool, its number of a step as `{{idx}}`, and the choices that were made."""

    name: str
    choices: list[str] = field(default_factory=list)
    is_of_steps: bool = False


# --- paths ------------------------------------------------------------------------------------------------


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Every path that a row has, also within objects and lists, with its first value that is not null."""
    values: dict[str, Any] = {}
    for row in rows:
        for path, value in _paths(row, "", 1):
            if values.get(path) is None:
                values[path] = value
    return [Column(path, "" if value is None else str(value)[:80]) for path, value in values.items()]


def _paths(value: Any, above: str, depth: int, *, in_item: bool = False) -> Iterator[tuple[str, Any]]:
    """Lists within the items of a list are not opened, or a small file would have thousands of paths."""
    if isinstance(value, dict) and value and depth <= MOST_DEPTH:
        for name, inner in value.items():
            yield from _paths(inner, _below(above, name), depth + 1, in_item=in_item)
        return
    if above:
        yield above, value[:MOST_ITEMS] if isinstance(value, list) else value
    if isinstance(value, list) and value and depth <= MOST_DEPTH and not in_item:
        yield from _list_paths(value, above, depth)


def _below(above: str, name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return f"{above}.{name}" if above else name
    # A column whose whole name is the path comes first, so one at the top needs no brackets if it can be read as a path.
    return name if not above and _DOTTED_NAME.fullmatch(name) else f"{above}[{json.dumps(name, ensure_ascii=False)}]"


def _list_paths(values: list[Any], above: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Of objects, those of the first, second and last, of all and of each; of other values, each."""
    if all(isinstance(value, str | bool | int | float | None) for value in values):
        yield f"{above}[each]", values[0]
    elif all(isinstance(value, dict) for value in values) and len(values[0]) <= MOST_KEYS:
        places = {0: values[0], 1: values[1] if len(values) > 1 else None, -1: values[-1]}
        for place, value in places.items():
            yield from _paths(value, f"{above}[{place}]", depth + 1, in_item=True) if value else ()
        for name in values[0]:
            inner = [value[name] for value in values[:MOST_ITEMS] if name in value]
            yield _below(f"{above}[*]", name), inner
            yield _below(f"{above}[each]", name), inner[0]


def guessed_mapping(columns: Sequence[Column]) -> dict[str, str]:
    """A mapping to begin with: paths whose names usually mean something, and the messages of a chat."""
    plain = [column for column in columns if "[" not in column.path]
    by_name = {column.path.rpartition(".")[2].lower(): column.path for column in reversed(plain)}
    guessed = {
        target: next((by_name[name] for name in names if name in by_name), "") for target, names in USUAL_NAMES.items()
    }
    paths = {column.path: column for column in columns}
    guessed["solution.text"] = guessed["solution.text"] or next(
        (f"{name}[each]" for name in _SOLUTIONS if f"{name}[each]" in paths), ""
    )
    if guessed["solution.text"].endswith("[each]"):
        guessed["solution.steps"] = ""
    if not guessed["problem.statement"]:
        guessed |= _chat_mapping(paths)
    if guessed["solution.steps"]:
        guessed["solution.text"] = ""
    return {target: path for target, path in guessed.items() if path}


def _chat_mapping(paths: Mapping[str, Column]) -> dict[str, str]:
    """The question and the answer of a chat; a system message before the question is no problem."""
    for name, (role, content) in (
        (name, keys) for name in _CONVERSATIONS for keys in (("role", "content"), ("from", "value"))
    ):
        if f"{name}[-1].{content}" in paths:
            first = paths.get(f"{name}[0].{role}")
            place = 1 if first is not None and first.example == "system" and f"{name}[1].{content}" in paths else 0
            return {"problem.statement": f"{name}[{place}].{content}", "solution.text": f"{name}[-1].{content}"}
    return {}


# --- questions of a tool ------------------------------------------------------------------------------------


def questions_of(answers: Iterable[Answer]) -> list[Question]:
    """The questions of these answers. Names that differ in their last number alone are one question of many steps."""
    names: dict[str, list[Answer]] = {}
    for answer in answers:
        names.setdefault(answer.question, []).append(answer)
    patterns = _patterns(names)
    questions: dict[str, Question] = {}
    for name, given in names.items():
        pattern = patterns.get(name, name)
        question = questions.setdefault(pattern, Question(pattern, is_of_steps="{{idx" in pattern))
        for answer in given:
            question.is_of_steps |= bool(answer.places) or answer.span is not None
            for value in answer.values:
                choice = str(value)
                is_choice = not isinstance(value, dict) and len(choice) <= LONGEST_CHOICE
                if is_choice and choice not in question.choices and len(question.choices) <= MOST_CHOICES:
                    question.choices.append(choice)
    return list(questions.values())


def _patterns(names: Iterable[str]) -> dict[str, str]:
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        match = _LAST_NUMBER.fullmatch(name)
        if match is not None:
            groups.setdefault((match[1], match[3]), {})[int(match[2])] = name
    patterns: dict[str, str] = {}
    for (before, after), numbered in groups.items():
        if len(numbered) > 1:
            sign = "{{idx}}" if 0 in numbered else "{{idx+1}}"
            patterns |= dict.fromkeys(numbered.values(), f"{before}{sign}{after}")
    return patterns


def guessed_questions(questions: Sequence[Question]) -> dict[str, str]:
    """What the questions probably are, by their steps, their choices and their names."""
    guessed: dict[str, str] = {}
    for question in questions:
        name = question.name.lower()
        meanings = {usual_meaning(choice) for choice in question.choices}
        if "first" in name and "error" in name:
            guessed.setdefault("first_error", question.name)
        elif "error" in name and "step" in name and not question.is_of_steps:
            guessed.setdefault("error_steps", question.name)
        elif meanings and meanings <= {*SIDES, "tie"}:
            guessed.setdefault("preference", question.name)
        elif question.is_of_steps and len(question.choices) <= MOST_CHOICES and any(meanings):
            guessed.setdefault("ratings", question.name)
    return guessed


def guessed_tool_mapping(
    rows: Sequence[Mapping[str, Any]], above: str, questions: Sequence[Question]
) -> dict[str, str]:
    """The mapping for the export of a tool whose material is at `above` in a row; empty where no problem is found."""
    materials = (row.get(above) if above else row for row in rows)
    paths = next(
        (found for material in materials if isinstance(material, dict) if (found := usual_paths(material, above))), {}
    )
    return paths | guessed_questions(questions) if paths else {}


def choices_of(questions: Sequence[Question]) -> list[str]:
    """The choices that need a meaning: not those of texts, which differ, nor the numbers of steps."""
    chosen = [
        question
        for question in questions
        if len(question.choices) <= MOST_CHOICES
        and (question.is_of_steps or not all(choice.lstrip("-").isdigit() for choice in question.choices))
    ]
    return list(dict.fromkeys(choice for question in chosen for choice in question.choices))[:MOST_MEANINGS]
