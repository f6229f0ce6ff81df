"""Reads the messages of a dialogue: role names, message lists, histories, transcripts. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import RowError

Message = dict[str, str]

# Chat templates know these roles and refuse any other name.
ROLES = {
    "user": ("user", "human", "prompter", "customer", "student", "instruction", "question", "person"),
    "assistant": ("assistant", "gpt", "bot", "model", "ai", "chatbot", "chatgpt", "bing", "bard", "agent", "answer"),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "ipython"),
}
_ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
_ASKING, _ANSWERING = "Human|User|HUMAN|USER|System|SYSTEM", "Assistant|ASSISTANT|AI|Bot|BOT|GPT|ChatGPT"
_FIRST_TURN = re.compile(rf"\s*(###[ \t]*)?({_ASKING}):")


def normalized_role(name: str, at: str) -> str:
    """The role as chat templates name it. Raises RowError for an unknown name."""
    role = _ROLE_OF.get(name.strip().strip("<|>#:").strip().lower())
    if role is None:
        raise RowError(at, f"unknown role {name[:40]!r}; known are {', '.join(sorted(_ROLE_OF))}")
    return role


def read_messages(fields: Fields, name: str) -> list[Message]:
    """A list of messages, or a single one: `role` and `content`, or `from` and `value`."""
    value = fields.row.get(name)
    if isinstance(value, dict):
        return [_read_message(fields.object(name), default="assistant")]
    messages = [_read_message(message) for message in fields.objects(name)]
    if not messages:
        raise fields.wrong(name, "at least one message")
    return messages


def _read_message(fields: Fields, default: str | None = None) -> Message:
    role_key = next((key for key in ("role", "from", "speaker") if key in fields.row), "role")
    content_key = next((key for key in ("content", "value", "text") if key in fields.row), "content")
    if default is not None and role_key not in fields.row:
        role = default
    else:
        role = normalized_role(fields.text(role_key), fields.at(role_key))
    return {"role": role, "content": read_content(fields, content_key)}


def read_content(fields: Fields, name: str) -> str:
    """A text, or a list of text parts, as multimodal chat formats write it."""
    value = fields.row.get(name)
    if not isinstance(value, list):
        return fields.text(name)
    texts: list[str] = []
    for part in fields.objects(name):
        if part.row.get("type", "text") != "text":
            raise RowError(part.at("type"), f"only parts of text are read, found {named(part.row['type'])}")
        texts.append(part.text("text", blank=True))
    content = "\n".join(texts)
    if not content.strip():
        raise fields.wrong(name, "a text that is not blank")
    return content


def read_history(fields: Fields, name: str) -> list[Message]:
    """Earlier turns: messages, or pairs of texts of the user and the assistant (LLaMA-Factory)."""
    values = fields.listed(name)
    if not values:
        return []
    if not isinstance(values[0], list):
        return read_messages(fields, name)
    messages: list[Message] = []
    for index, pair in enumerate(values):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise RowError(f"{fields.at(name)}[{index}]", "expected a pair of texts, of the user and of the assistant")
        turns = zip(("user", "assistant"), pair, strict=True)
        messages += [{"role": role, "content": text} for role, text in turns if text.strip()]
    return messages


def parse_transcript(text: str) -> list[Message] | None:
    """The turns of a text that begins with the name of a role, without an empty last turn; None for other texts."""
    turn = _turns_like_the_first(text)
    if turn is None:
        return None
    heads = list(turn.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    messages = [
        {"role": _ROLE_OF[head[1].lower()], "content": text[head.end() : end].strip()}
        for head, end in zip(heads, ends, strict=True)
    ]
    return [message for message in messages if message["content"]] or None


def opened_answer(text: str) -> int | None:
    """Where the last turn of the assistant begins, after its name; None where the text is not a dialogue."""
    turn = _turns_like_the_first(text)
    heads = turn.finditer(text) if turn else ()
    ends = [head.end() for head in heads if _ROLE_OF[head[1].lower()] == "assistant"]
    return ends[-1] if ends else None


def _turns_like_the_first(text: str) -> re.Pattern[str] | None:
    """A pattern for the heads of turns, written like the first: "AI: ..." within a paragraph of HH-RLHF is not one."""
    first = _FIRST_TURN.match(text)
    if first is None:
        return None
    mark = r"###[ \t]*" if first[1] else ""
    names = rf"{mark}({_ASKING}|{_ANSWERING}):[ \t]?"
    apart = re.compile(rf"(?:\A\s*|\n[ \t]*\n[ \t]*){names}")
    return apart if len(apart.findall(text)) > 1 else re.compile(rf"(?:\A\s*|\n[ \t]*){names}")


def shared_turns(left: Sequence[Message], right: Sequence[Message]) -> int:
    """How many messages both dialogues begin with."""
    pairs = zip(left, right, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))
