"""Replies in the manner of real models, by prompt, each with its finish reason and what is to be read in it.

A file `replies/<prompt>.txt` holds them, each below a line `=== what is special | finish reason | expectation`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from apps.inference.types import CompletionChoice
from apps.judging.parsers import Reply

FOLDER = Path(__file__).parent / "replies"
_HEADING = re.compile(r"^=== (.+?) \| (\w+) \| (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RecordedReply:
    prompt: str
    title: str
    reply: Reply
    expected: str


def recorded_replies() -> list[RecordedReply]:
    return [reply for path in sorted(FOLDER.glob("*.txt")) for reply in _read(path)]


def _read(path: Path) -> list[RecordedReply]:
    parts = _HEADING.split(path.read_text(encoding="utf-8"))
    assert parts[0] == "", f"{path.name} begins with {parts[0]!r}"
    rows = zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True)
    return [
        RecordedReply(path.stem, title, Reply.of_choice(CompletionChoice(text.strip("\n"), reason)), expected)
        for title, reason, expected, text in rows
    ]
