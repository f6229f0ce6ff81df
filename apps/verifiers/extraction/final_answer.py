r"""Finding the final answer in the text of a solution.

The markers are GSM8K's `#### x` and `A: x` (its model solutions, on the last line), PRM800K's `# Answer` and other
headings, tags (`<answer>x</answer>`), MATH's `\boxed{x}`, and sentences that announce the answer (`The answer is: x`,
in a dozen languages; see `answer_leads`). **The statement that starts last in the text wins**: a solution states its
answer at its end, what stands earlier is an intermediate result or an answer that was revised, and where two are
nested (`#### \boxed{7}`) the inner one starts later and is the tighter one.

No answer (None) is the honest result for a text that states none in a way that is known, that takes its answer back, or
whose statement can be read in two ways: an answer that nobody finds is unreadable, one that is misread is a wrong label.
What a text says after a question of its own does not count (`next_question`), nor does what a model thought aloud.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from apps.verifiers.extraction.boxes import boxed_answers, last_boxed_answer
from apps.verifiers.extraction.leads import Lead, headings, holds_stem, leads
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
    r"|\[(?P<bracket>ANSWER)\](?P<held>.*?)(?:\[/ANSWER\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINKING = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MOST_WORDS = 6

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a text states its answer. `answer` is None where it does and cannot be read.

    `is_box`: in a bare box, which intermediate results stand in as well; `ends_sentence` says that of a box.
    """

    start: int
    end: int
    answer: str | None
    is_box: bool = False
    ends_sentence: bool = False


def extract_answer(text: str) -> str | None:
    """The final answer that `text` states, without its marker; None where it states none that can be read."""
    last = last_statement(own_text(text))
    return last.answer if last else None


def own_text(text: str) -> str:
    """What of a text belongs to the solution that was asked for: no thoughts before it, no other question after it."""
    thought = _last(_THOUGHT.finditer(text)) if "</" in text else None
    if thought is not None:
        text = text[thought.end() :]
    elif _THINKING.match(text):
        return ""
    return before_next_question(text, lambda before: last_statement(before) is not None)


def last_statement(text: str) -> Statement | None:
    """The one that decides, with its answer; None where it cannot be read or is taken back.

    Most texts state their answer in their last line or box: where nothing later can be, nothing earlier is read.
    """
    boxed = _boxed(text)
    if boxed is not None and not _may_state(text[boxed.start :]):
        return _unless_taken_back(text, [boxed])
    line_start = text.rfind("\n", 0, len(text.rstrip())) + 1
    line = text[line_start:]
    if boxed is None and len(line) < len(text) and not _is_tagged(text):
        found = _found_by(line, _hashes, _announced, _last_line)
        if found:
            last = _unless_taken_back(line, found)
            return replace(last, start=line_start + last.start, end=line_start + last.end) if last else None
    found = _found_by(text, _hashes, _paragraph, _heading, _announced, _last_line, _tagged)
    return _unless_taken_back(text, [*found, boxed] if boxed else found)


def _found_by(text: str, *finders: Callable[[str], Statement | None]) -> list[Statement]:
    return [statement for statement in (find(text) for find in finders) if statement is not None]


def statements(text: str) -> list[Statement]:
    """All of them, first to last, with those whose answer cannot be read."""
    found = [
        *_all_hashes(text),
        *_unread_hashes(text),
        *_all_headings(text),
        *_all_announced(text, earliest=True),
        *_all_tagged(text),
    ]
    if "A:" in text and not _POINT.search(text):
        found += [_lettered(text, marker) for marker in _LETTER.finditer(text)]
    found += [
        Statement(one.start, one.end, one.answer, is_box=True, ends_sentence=one.ends_sentence)
        for one in boxed_answers(text)
    ]
    return sorted(found, key=lambda one: one.start)


def _unless_taken_back(text: str, found: list[Statement]) -> Statement | None:
    if not found:
        return None
    last = max(found, key=lambda statement: (statement.start, statement.answer is not None))
    if not last.answer or retraction_of(text, last.end, len(text), last.answer) is not None:
        return None
    return last


def _may_state(text: str) -> bool:
    """Whether anything but a box may state an answer in a text; headings and tags hold the stem of the word."""
    return "####" in text or "A:" in text or holds_stem(text)


def _last(found: Iterable[Found]) -> Found | None:
    newest = deque(found, maxlen=1)
    return newest[0] if newest else None


def _line_after(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start:] if end < 0 else text[start:end]


def _hashes(text: str) -> Statement | None:
    return next(_all_hashes(text), None)


def _all_hashes(text: str) -> Iterator[Statement]:
    """Newest first, as all of these. Markdown has headings of four as well: those hold no answer."""
    if "####" not in text:
        return
    for marker in reversed(list(_HASHES.finditer(text))):
        line = _line_after(text, marker.end())
        is_heading = any(lead.start <= marker.end() < lead.end for lead in headings(text[: marker.end() + len(line)]))
        if is_heading or _NO_ANSWER.match(line) or len(re.findall(r"[^\W\d_]{2,}", line)) > _MOST_WORDS:
            continue
        yield Statement(marker.start(), marker.end() + len(line), tidy(line))


def _unread_hashes(text: str) -> Iterator[Statement]:
    """Lines that go on behind their number: a heading, or an answer with the next question right behind it."""
    for marker in _UNREAD_HASHES.finditer(text) if "####" in text else ():
        yield Statement(marker.start(), marker.end(), None)


def _paragraph(text: str) -> Statement | None:
    """PRM800K's form. The paragraph under the heading: a matrix may take several lines."""
    marker = _last(_PARAGRAPH_HEADING.finditer(text)) if "# Answer" in text else None
    if marker is None:
        return None
    body = text[marker.end() :].strip().partition("\n\n")[0]
    words = re.findall(r"(?<![\\A-Za-z])[^\W\d_]{2,}", body)
    lines = [line for line in body.splitlines() if line.strip()]
    if len(words) > _MOST_WORDS or (
        len(lines) > 1 and "\\begin" not in body and "$$" not in body and "\\[" not in body
    ):
        return None
    return Statement(marker.start() + 1, marker.end() + len(body), tidy(body) or None)


def _heading(text: str) -> Statement | None:
    return next(_all_headings(text), None)


def _all_headings(text: str) -> Iterator[Statement]:
    for lead in reversed(list(headings(text))):
        if text[lead.end :].strip():
            value = None if _goes_on_as_list(text, lead) else value_after(text, lead)
            yield Statement(lead.start, _end_of_value(text, lead), value)


def _goes_on_as_list(text: str, lead: Lead) -> bool:
    """Whether the line after the first one under a heading looks like an answer too: which one is meant?"""
    lines = text[lead.end :].lstrip(" \t*_:：】]\r\n").partition("\n\n")[0].splitlines()
    if len(lines) < 2 or lines[0].lstrip().startswith(("\\[", "$$", "\\begin")):
        return False
    following = read_value(lines[1].strip(), words=False) if len(lines[1]) < 40 else None
    return following is not None and not is_same(read_value(lines[0], words=True), following)


def _announced(text: str) -> Statement | None:
    return next(_all_announced(text), None)


def _all_announced(text: str, *, earliest: bool = False) -> Iterator[Statement]:
    """`The answer is: x`, and `answer is x` where x looks like one: prose has other answers too."""
    for lead in sorted(leads(text, earliest=earliest), key=lambda lead: lead.start, reverse=True):
        value = value_after(text, lead)
        is_line_start = not text[text.rfind("\n", 0, lead.start) + 1 : lead.start].strip(" \t*_#>【[")
        is_unread = lead.is_explicit and is_line_start and _line_after(text, lead.end).strip(" \t*_:：】]")
        if value or is_unread or (earliest and _NUMBER_NEXT.match(text, lead.end)):
            yield Statement(lead.start, _end_of_value(text, lead), value)


def _end_of_value(text: str, lead: Lead) -> int:
    """Where what follows the statement begins, for words that take it back: right after the lead's line begins."""
    start = lead.end
    while start < len(text) and text[start] in " \t*_:：】]\r\n":
        start += 1
    return min(start + 1, len(text))


def _last_line(text: str) -> Statement | None:
    if "A:" not in text:
        return None
    body = text.rstrip()
    marker = _LETTER.match(body, body.rfind("\n") + 1)
    return _lettered(body, marker) if marker else None


def _lettered(text: str, marker: re.Match[str]) -> Statement:
    line = _line_after(text, marker.end())
    return Statement(marker.start(), marker.end() + len(line), read_value(line, words=True))


def _is_tagged(text: str) -> bool:
    if "<" not in text and "[" not in text:
        return False
    lowered = text.lower()
    return "<ans" in lowered or "<final" in lowered or "[answer]" in lowered


def _tagged(text: str) -> Statement | None:
    return _last(_all_tagged(text))


def _all_tagged(text: str) -> Iterator[Statement]:
    for marker in _TAG.finditer(text) if _is_tagged(text) else ():
        inner = marker["inner"] if marker["tag"] else marker["held"]
        yield Statement(marker.start(), marker.end(), read_value(" ".join(inner.split()), words=True))


def _boxed(text: str) -> Statement | None:
    found = last_boxed_answer(text)
    return Statement(found.start, found.end, found.answer, is_box=True) if found else None
