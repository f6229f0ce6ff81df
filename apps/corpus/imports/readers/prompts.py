"""Reads the prompt of a row under its many names, with input, system message and history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.corpus.imports.readers.base import ReaderOptions
from apps.corpus.imports.readers.dialogue import Message, parse_transcript, read_history, read_messages
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import ProblemRecord, RowError, SolutionRecord, StepRecord
from apps.corpus.splitting.steps import split_steps

# The first that is not blank is the prompt. `input` follows an instruction, and is the prompt only without one.
QUESTIONS = ("prompt", "instruction", "query", "question", "problem", "conversations", "context", "history", "post")
INPUTS = ("input", "query")
PROMPT_KEYS = (*QUESTIONS, "input", "system")
NAMES = {"user": "Human", "assistant": "Assistant", "system": "System"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages before an answer, and the columns of the row that they are made of.

    `is_continued`: the answers continue the prompt's text without a separator.
    """

    messages: Sequence[Message]
    read: frozenset[str] = frozenset()
    is_continued: bool = False

    def problem(self, *, reference_answer: str | None = None) -> ProblemRecord:
        if len(self.messages) == 1 and self.messages[0]["role"] == "user":
            return ProblemRecord(statement=self.messages[0]["content"], reference_answer=reference_answer)
        return ProblemRecord(
            statement=transcript(self.messages),
            reference_answer=reference_answer,
            extras={"messages": list(self.messages)},
        )


def transcript(messages: Sequence[Message]) -> str:
    """A dialogue as people read it, with the role before each turn."""
    return "\n\n".join(f"{NAMES.get(message['role'], message['role'])}: {message['content']}" for message in messages)


def read_prompt(fields: Fields) -> Prompt | None:
    """The row's prompt; None where no column has one. It is never guessed from the answers."""
    name = next((name for name in (*QUESTIONS, "input") if _is_filled(fields, name)), None)
    if name is None:
        return None
    messages, is_text = prompt_messages(fields, name)
    read = {name}
    addition = next((key for key in INPUTS if key != name and _is_filled(fields, key)), None)
    if addition is not None and is_text:
        text = fields.text(addition)
        if text.strip() not in messages[-1]["content"]:
            messages = [*messages[:-1], {**messages[-1], "content": f"{messages[-1]['content']}\n{text}"}]
        read.add(addition)
    if name != "history" and _is_filled(fields, "history") and isinstance(fields.row["history"], list):
        messages = [*read_history(fields, "history"), *messages]
        read.add("history")
    if _is_filled(fields, "system"):
        messages = [{"role": "system", "content": fields.text("system")}, *messages]
        read.add("system")
    return Prompt(messages, frozenset(read), is_continued=name == "prompt" and is_text and len(read) == 1)


def _is_filled(fields: Fields, name: str) -> bool:
    value = fields.row.get(name)
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [], {})


def prompt_messages(fields: Fields, name: str) -> tuple[list[Message], bool]:
    """The messages, and whether they are one plain text."""
    if name == "history" and isinstance(fields.row[name], list):
        return read_history(fields, name), False
    if isinstance(fields.row[name], dict) or not fields.holds_text(name):
        return read_messages(fields, name), False
    text = fields.text(name)
    turns = parse_transcript(text)
    return (turns, False) if turns else ([{"role": "user", "content": text}], True)


def no_prompt() -> RowError:
    hint = 'name another column with the option mapping, {"prompt": "COLUMN"}'
    return RowError("prompt", f"is missing or blank; known names are {', '.join(QUESTIONS)}; {hint}")


def split_answer(name: str, text: str, options: ReaderOptions, *, is_correct: bool | None = None) -> SolutionRecord:
    """An answer as a solution; its text is kept where it cannot be joined from the steps."""
    steps, separator = split_steps(text, options.split, options.separator)
    if not steps:
        raise RowError(name, "expected a text that is not blank")
    return SolutionRecord(
        steps=[StepRecord(position=place, text=step) for place, step in enumerate(steps)],
        separator=separator,
        is_correct=is_correct,
        extras={"text": text} if separator.join(steps) != text else {},
    )
