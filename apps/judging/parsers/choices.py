r"""Verdicts of one word, wherever a reply states them: JSON, a box, double brackets, a labeled line, or its last line. Pure.

All places must state the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from apps.judging.parsers.base import CUT, Shown, is_closed
from apps.judging.parsers.json_steps import BROKEN, first_text
from apps.judging.parsers.loose_json import FoundJson, json_values
from apps.judging.parsers.quotes import quotable_boxes, squeezed
from apps.judging.verdicts import Reading, Verdict, read, unreadable
from apps.verifiers.extraction.boxes import boxes_of

T = TypeVar("T")
REASONS = ("reason", "explanation", "rationale", "justification", "analysis", "critique")
_BRACKETED = re.compile(r"\[\[([^\[\]]{1,60})\]\]")
_FENCE = re.compile(r"```\w*")
_DECORATION = " \t\r*_`#>$\"'“”.!。"
_DECORATED_END = re.compile(r"[\s*_`#>$\[(]*\Z")
_WRAPPING = re.compile(r"\\(?:text(?:bf|it|tt|rm|sf)?|math(?:bf|rm|tt|sf|it)?|mbox)\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """A value that the reply states at a place. `value` is None where the place holds no allowed word."""

    value: T | None
    words: str
    start: int
    end: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WordForm(Generic[T]):
    """`keys` name the verdict in JSON, the one that prompts ask for first, and `labels` name it in lines of text.

    `word` reads it in a text, `value` in an object of JSON. `takes_bare`: a word that is alone in a box or a last line counts.
    """

    keys: Sequence[str]
    allowed: str
    word: Callable[[str], T | None]
    value: Callable[[dict[str, Any], str], T | None]
    labels: tuple[str, ...]
    takes_bare: bool = True


def parse_word(
    text: str, form: WordForm[T], verdict: Callable[[Sequence[T], str], Verdict | None], shown: Shown, *, is_cut: bool
) -> Reading:
    """The verdict that all statements of the text make together. `verdict` returns None if they contradict each other."""
    found = json_values(text)
    in_json = list(_in_json(found, form))
    unknown = next((statement for statement in in_json if statement.value is None), None)
    if unknown is not None:
        return unreadable(f"The verdict is “{unknown.words[:40]}”: it must be {form.allowed}.")
    if any(part.is_broken for part in found):
        return unreadable(CUT if is_cut else BROKEN)
    outside = _without(text, found)
    statements = [*in_json, *_in_text(outside, form, quotable_boxes(shown.texts))]
    values = [statement.value for statement in statements if statement.value is not None]
    if not values:
        return unreadable(CUT if is_cut else f"The reply states no verdict: it must be {form.allowed}.")
    if not is_closed(text, max(statement.end for statement in statements), is_cut=is_cut):
        return unreadable(CUT)
    first = min(statements, key=lambda statement: statement.start)
    reason = next((statement.reason for statement in statements if statement.reason), "")
    made = verdict(values, reason or _DECORATED_END.sub("", outside[: first.start]).strip())
    return read(made) if made else unreadable("The reply states verdicts that contradict each other.")


def plain_word(words: str) -> str:
    """The words without marks around them, in lower case."""
    unwrapped = _WRAPPING.sub("", words).replace("{", "").replace("}", "")
    return " ".join(unwrapped.strip(_DECORATION + "()[]").split()).lower()


def _in_json(found: Sequence[FoundJson], form: WordForm[T]) -> Iterator[Statement[T]]:
    """The statements of each object. Keys other than the first may hold other things, unless one of them is all there is."""
    for part in found:
        stated = [key for key in form.keys if isinstance(part.value, dict) and key in part.value]
        values = {key: form.value(part.value, key) for key in stated}
        readable = [key for key in stated if values[key] is not None]
        has_main = form.keys[0] in stated
        for key in stated:
            is_needed = key == form.keys[0] if has_main else not readable
            if values[key] is not None or is_needed:
                reason = first_text(part.value, REASONS)
                yield Statement(values[key], str(part.value[key]), part.start, part.end, reason)


def _without(text: str, found: Sequence[FoundJson]) -> str:
    """The text with blanks in the place of objects, so that no statement is found twice and places stay the same."""
    for part in found:
        if isinstance(part.value, dict):
            text = text[: part.start] + " " * (part.end - part.start) + text[part.end :]
    return _FENCE.sub(lambda fence: " " * len(fence.group()), text)


def _in_text(text: str, form: WordForm[T], quotable: frozenset[str]) -> Iterator[Statement[T]]:
    """Statements outside JSON. A box or a line with other words is no statement, nor is a box of a shown text."""
    places = [(match.group(1), match.start(), match.end()) for match in _BRACKETED.finditer(text)]
    places += [(match.group(1), match.start(), match.end()) for match in _label_pattern(form.labels).finditer(text)]
    if form.takes_bare:
        boxes = [box for box in boxes_of(text) if squeezed(box) not in quotable]
        places += [(box.content, box.start, box.end) for box in boxes]
        last = text.rstrip()
        line = last.rfind("\n") + 1
        places.append((last[line:], line, len(last)))
    for words, start, end in places:
        value = form.word(plain_word(words))
        if value is not None:
            yield Statement(value, words, start, end)


@cache
def _label_pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """A line that begins with one of these labels."""
    return re.compile(
        rf"^[\s*_#>-]*(?:the\s+)?(?:my\s+)?(?:final\s+|overall\s+)?(?:{'|'.join(labels)})[*_]*(?:\s+is)?\s*[:：=]\s*(\S.*)$",
        re.IGNORECASE | re.MULTILINE,
    )
