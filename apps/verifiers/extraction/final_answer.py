r"""Extracts the final answer from the text of a solution.

The markers are GSM8K's `#### x` and `A: x` (its model solutions, on the last line), PRM800K's `# Answer` and other
headings, tags (`<answer>x</answer>`), MATH's `\boxed{x}`, and sentences that announce the answer (`The answer is: x`,
in a dozen languages; see `leads`). **The statement that starts last in the text wins**: a solution states its answer at
its end, earlier statements are intermediate results or revised answers, and of two nested statements
(`#### \boxed{7}`) the inner one starts later and is the more precise one.

The result is None for a text that states no answer with a known marker, that retracts its answer, or whose statement is
ambiguous: a missing answer is only unparsed, while a misread one is a wrong label. Text after a new question does not
count (`next_question`), nor does a model's reasoning inside thinking tags.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from apps.verifiers.extraction.boxes import boxed_answers, last_boxed_answer
from apps.verifiers.extraction.leads import Lead, headings, holds_stem, leads, stem_count
from apps.verifiers.extraction.lists import is_same
from apps.verifiers.extraction.next_question import before_next_question
from apps.verifiers.extraction.retractions import retraction_of
from apps.verifiers.extraction.values import read_value, tidy, value_after

_HASHES = re.compile(r"^[ \t]*####(?!#)", re.MULTILINE)
_UNREAD_HASHES = re.compile(r"^[ \t]*####[ \t]*[$-]{0,2}\d[\d,]*(?:\.\d+)?(?=(?:[ \t]+\S+){7})", re.MULTILINE)
_NUMBER_NEXT = re.compile(r"[ \t:：*$\\(]{0,6}-?\d")
_NO_ANSWER = re.compile(
    r"[ \t]*(?:\d+[.)][ \t]+[^\W\d_]|[^\n]*:[ \t]*(?:\*\*)?[ \t]*$|(?:Step|Part|Case)\b)", re.IGNORECASE
)
_PARAGRAPH_HEADING = re.compile(r"^#{1,3} Answer:?(?=[ \t]*$)", re.MULTILINE)
_LETTER = re.compile(r"^[ \t]*A:[ \t]*(?=\S)", re.MULTILINE)
_POINT = re.compile(r"^[ \t]*B:", re.MULTILINE)
_TAG = re.compile(
    r"<(?P<tag>answer|final[_-]?answer|ans)>(?P<inner>.*?)(?:</(?P=tag)>|\Z)"
    r"|\[(?P<bracket>ANSWER)\](?P<bracketed>.*?)(?:\[/ANSWER\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINKING = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MOST_WORDS = 6

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Statement:
    """A place where a text states its answer. `answer` is None where the statement cannot be parsed.

    `is_box`: in a bare box, which may also hold an intermediate result. `ends_sentence` applies to boxes only.
    """

    start: int
    end: int
    answer: str | None
    is_box: bool = False
    ends_sentence: bool = False


def extract_answer(text: str) -> str | None:
    """The final answer that `text` states, without its marker; None where it states none that can be parsed."""
    last = last_statement(own_text(text))
    return last.answer if last else None


def own_text(text: str) -> str:
    """The part of a text that belongs to its own problem: no thoughts before it, no further question after it."""
    thought = _last(_THOUGHT.finditer(text)) if "</" in text else None
    if thought is not None:
        text = text[thought.end() :]
    elif _THINKING.match(text):
        return ""
    return before_next_question(text, lambda before: last_statement(before) is not None)


def last_statement(text: str) -> Statement | None:
    """The statement that decides, with its answer; None where it cannot be parsed or is retracted.

    Most texts state their answer in their last line or box: if nothing can follow it, nothing before it is parsed.
    """
    box = last_boxed_answer(text)
    boxed = Statement(box.start, box.end, box.answer, is_box=True) if box else None
    # Anything but a box that may state an answer contains one of these; headings and tags contain the word's stem.
    after = text[boxed.start :] if boxed else text
    if not ("####" in after or "A:" in after or holds_stem(after)):
        return _unless_retracted(text, [boxed]) if boxed else None
    line_start = text.rfind("\n", 0, len(text.rstrip())) + 1
    line = text[line_start:]
    if boxed is None and len(line) < len(text) and not _is_tagged(text):
        candidates = _newest_of_each(line, _hashes, _announced, _last_line)
        if candidates:
            last = _unless_retracted(line, candidates)
            return replace(last, start=line_start + last.start, end=line_start + last.end) if last else None
    candidates = _newest_of_each(text, _hashes, _paragraph, _under_headings, _announced, _last_line, _tagged)
    return _unless_retracted(text, [*candidates, boxed] if boxed else candidates)


def _newest_of_each(text: str, *finders: Callable[[str], Iterator[Statement]]) -> list[Statement]:
    """The first statement of each finder: all of them search from the end of the text to its beginning."""
    newest = (next(find(text), None) for find in finders)
    return [statement for statement in newest if statement is not None]


def statements(text: str) -> list[Statement]:
    """All statements from first to last, including those whose answer cannot be parsed."""
    all_statements = [
        *_hashes(text),
        *_under_headings(text),
        *_announced(text, earliest=True),
        *_tagged(text),
    ]
    if "####" in text:
        # The line continues after its number: a heading, or an answer with the next question directly after it.
        all_statements += [Statement(line.start(), line.end(), None) for line in _UNREAD_HASHES.finditer(text)]
    if "A:" in text and not _POINT.search(text):
        all_statements += [_lettered(text, marker) for marker in _LETTER.finditer(text)]
    all_statements += [
        Statement(box.start, box.end, box.answer, is_box=True, ends_sentence=box.ends_sentence)
        for box in boxed_answers(text)
    ]
    return sorted(all_statements, key=lambda statement: statement.start)


def is_only_statement(text: str, last: Statement) -> bool:
    """Whether a quick look shows that no statement starts before the last one: `statements` need not be called.

    Each statement but a heading starts with one of the signs that are counted here. A heading is found at its line's start
    and also as an announcement within its line.
    """
    if not text.isascii():
        return False
    signs = stem_count(text) + text.count("####") + text.count("A:") + text.count("\\boxed") + text.count("\\fbox")
    return signs == 1 and next(headings(text), None) is None


def _unless_retracted(text: str, candidates: list[Statement]) -> Statement | None:
    if not candidates:
        return None
    last = max(candidates, key=lambda statement: (statement.start, statement.answer is not None))
    if not last.answer or retraction_of(text, last.end, len(text), last.answer) is not None:
        return None
    return last


def _last(items: Iterable[Item]) -> Item | None:
    newest = deque(items, maxlen=1)
    return newest[0] if newest else None


def _line_after(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start:] if end < 0 else text[start:end]


def _hashes(text: str) -> Iterator[Statement]:
    """`#### x`. Markdown also has headings of four hashes, which hold no answer."""
    if "####" not in text:
        return
    for marker in reversed(list(_HASHES.finditer(text))):
        line = _line_after(text, marker.end())
        is_heading = any(lead.start <= marker.end() < lead.end for lead in headings(text[: marker.end() + len(line)]))
        if is_heading or _NO_ANSWER.match(line) or len(re.findall(r"[^\W\d_]{2,}", line)) > _MOST_WORDS:
            continue
        yield Statement(marker.start(), marker.end() + len(line), tidy(line))


def _paragraph(text: str) -> Iterator[Statement]:
    """The paragraph under the last heading, in PRM800K's form: a matrix may take several lines."""
    marker = _last(_PARAGRAPH_HEADING.finditer(text)) if "# Answer" in text else None
    if marker is None:
        return
    body = text[marker.end() :].strip().partition("\n\n")[0]
    words = re.findall(r"(?<![\\A-Za-z])[^\W\d_]{2,}", body)
    lines = [line for line in body.splitlines() if line.strip()]
    has_display = "\\begin" in body or "$$" in body or "\\[" in body
    if len(words) <= _MOST_WORDS and (len(lines) <= 1 or has_display):
        yield Statement(marker.start() + 1, marker.end() + len(body), tidy(body) or None)


def _under_headings(text: str) -> Iterator[Statement]:
    """`### Answer` with the answer below it. Several lines that look like answers are ambiguous."""
    for lead in reversed(list(headings(text))):
        if not text[lead.end :].strip():
            continue
        lines = text[lead.end :].lstrip(" \t*_:：】]\r\n").partition("\n\n")[0].splitlines()
        following = None
        if len(lines) > 1 and len(lines[1]) < 40 and not lines[0].lstrip().startswith(("\\[", "$$", "\\begin")):
            following = read_value(lines[1].strip(), words=False)
        is_list = following is not None and not is_same(read_value(lines[0], words=True), following)
        yield Statement(lead.start, _end_of_value(text, lead), None if is_list else value_after(text, lead))


def _announced(text: str, *, earliest: bool = False) -> Iterator[Statement]:
    """`The answer is: x`, and `answer is x` where x looks like a value, since prose has other answers too."""
    for lead in sorted(leads(text, earliest=earliest), key=lambda lead: lead.start, reverse=True):
        value = value_after(text, lead)
        is_line_start = not text[text.rfind("\n", 0, lead.start) + 1 : lead.start].strip(" \t*_#>【[")
        is_unread = lead.is_explicit and is_line_start and _line_after(text, lead.end).strip(" \t*_:：】]")
        if value or is_unread or (earliest and _NUMBER_NEXT.match(text, lead.end)):
            yield Statement(lead.start, _end_of_value(text, lead), value)


def _end_of_value(text: str, lead: Lead) -> int:
    """Where retractions of the statement may begin: after the first character of the text that follows the lead."""
    start = lead.end
    while start < len(text) and text[start] in " \t*_:：】]\r\n":
        start += 1
    return min(start + 1, len(text))


def _last_line(text: str) -> Iterator[Statement]:
    """`A: x` on the last line."""
    if "A:" not in text:
        return
    body = text.rstrip()
    marker = _LETTER.match(body, body.rfind("\n") + 1)
    if marker:
        yield _lettered(body, marker)


def _lettered(text: str, marker: re.Match[str]) -> Statement:
    line = _line_after(text, marker.end())
    return Statement(marker.start(), marker.end() + len(line), read_value(line, words=True))


def _is_tagged(text: str) -> bool:
    if "<" not in text and "[" not in text:
        return False
    lowered = text.lower()
    return "<ans" in lowered or "<final" in lowered or "[answer]" in lowered


def _tagged(text: str) -> Iterator[Statement]:
    """`<answer>x</answer>` and `[ANSWER]x[/ANSWER]`."""
    for marker in reversed(list(_TAG.finditer(text))) if _is_tagged(text) else ():
        inner = marker["inner"] if marker["tag"] else marker["bracketed"]
        yield Statement(marker.start(), marker.end(), read_value(" ".join(inner.split()), words=True))
