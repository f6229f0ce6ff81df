"""Chat rows as supervised fine-tuning has them: `messages` (OpenAI, TRL) or `conversations` (ShareGPT).

The last message, which is the assistant's, is the solution, and those before it are the problem, as those of a prompt of
several messages are. Other readings of such rows, such as the steps in a list of messages, need a mapping with `jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from apps.corpus.imports.readers.base import ReaderOptions, Row, unread
from apps.corpus.imports.readers.dialogue import read_messages
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.prompts import Prompt, split_answer
from apps.corpus.records import Record, RowError

MESSAGES = ("messages", "conversations", "conversation")
ANSWERS = ("reference_answer", "ground_truth", "answer")
SOURCES = ("source", "model")


class Chat:
    name = "chat"
    title = "Chat messages"
    about = "messages or conversations that end with the assistant: OpenAI, TRL, ShareGPT."

    def looks_like(self, row: Row) -> bool:
        values = [row[name] for name in MESSAGES if isinstance(row.get(name), list) and row[name]]
        return len(values) == 1 and all(
            isinstance(message, dict) and ({"role", "content"} <= message.keys() or {"from", "value"} <= message.keys())
            for message in values[0]
        )

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        name = next((name for name in MESSAGES if row.get(name) is not None), MESSAGES[0])
        if name not in row:
            raise fields.wrong(name, "a list of messages")
        *question, answer = read_messages(fields, name)
        if not question or answer["role"] != "assistant":
            raise RowError(name, "expected a question followed by an answer of the assistant")
        key = next((key for key in ANSWERS if row.get(key) is not None), ANSWERS[0])
        source = next((key for key in SOURCES if isinstance(row.get(key), str)), SOURCES[0])
        solution = split_answer(name, answer["content"], options)
        yield Record(
            problem=Prompt(question).problem(reference_answer=fields.maybe_text(key)),
            solution=structs.replace(solution, source=fields.maybe_text(source)),
            ignored=unread(fields, {name, key, source}),
        )
