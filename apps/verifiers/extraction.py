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
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.verifiers.answer_leads import Lead, headings, holds_stem, leads
from apps.verifiers.answer_values import read_value, tidy, value_after
from apps.verifiers.boxes import last_boxed_answer
from apps.verifiers.next_question import before_next_question

_HASHES = re.compile(r"^[ \t]*####(?!#)", re.MULTILINE)
_NO_ANSWER = re.compile(
    r"[ \t]*(?:\d+[.)][ \t]+[^\W\d_]|[^\n]*:[ \t]*(?:\*\*)?[ \t]*$|(?:Step|Part|Case)\b)", re.IGNORECASE
)
_PARAGRAPH_HEADING = re.compile(r"^#{1,3} Answer:?(?=[ \t]*$)", re.MULTILINE)
_LAST_LINE = re.compile(r"[ \t]*A:[ \t]*(?=\S)")
_TAG = re.compile(
    r"<(?P<tag>answer|final[_-]?answer|ans)>(?P<inner>.*?)(?:</(?P=tag)>|\Z)"
    r"|\[(?P<bracket>ANSWER)\](?P<held>.*?)(?:\[/ANSWER\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINKING = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_RETRACTION = re.compile(
    r"(?:^|[.!?\n—–。！]\s*|\s-+\s*)(?:(?:oh|hmm+|but|no|oops),?\s+)?(?:wait\b|hold on\b|scratch that|correction\b|oops\b)"
    r"|\b(?:that|this|it|which|answer)(?:['’]s| is| was) (?:wrong|incorrect|not right|not correct|a mistake)"
    r"|\bI (?:have )?(?:made|see) (?:a|an|my) (?:mistake|error)|\bI was wrong\b|(?:等等|等一下|不对|不對|错了|錯了"
    r"|待って|間違え|잠깐|틀렸)",
    re.IGNORECASE,
)
# Every retraction holds one of these.
_RETRACTING = (
    *("wait", "hold on", "scratch", "correct", "oops", "wrong", "right", "mistake", "error"),
    *("等", "不对", "不對", "错了", "錯了", "待って", "間違え", "잠깐", "틀렸"),
)
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a text states its answer. `answer` is None where it does and cannot be read."""

    start: int
    end: int
    answer: str | None


def extract_answer(text: str) -> str | None:
    """The final answer that `text` states, without its marker; None where it states none that can be read."""
    return _answer(own_text(text))


def own_text(text: str) -> str:
    """What of a text belongs to the solution that was asked for: no thoughts before it, no other question after it."""
    thought = _last(_THOUGHT.finditer(text)) if "</" in text else None
    if thought is not None:
        text = text[thought.end() :]
    elif _THINKING.match(text):
        return ""
    return before_next_question(text, lambda before: _answer(before) is not None)


def last_boxed(text: str) -> str | None:
    r"""What stands in the last `\boxed{}` or `\fbox{}`; None without a box, or when it is never closed."""
    found = last_boxed_answer(text)
    return (found.answer or None) if found else None


def _answer(text: str) -> str | None:
    """Most texts state their answer in their last line or box: where nothing later can be, nothing earlier is read."""
    boxed = _boxed(text)
    if boxed is not None and not _may_state(text[boxed.start :]):
        return _unless_taken_back(text, [boxed])
    line = text[text.rfind("\n", 0, len(text.rstrip())) + 1 :]
    if boxed is None and len(line) < len(text) and not _is_tagged(text):
        found = _found_by(line, _hashes, _announced, _last_line)
        if found:
            return _unless_taken_back(line, found)
    found = _found_by(text, _hashes, _paragraph, _heading, _announced, _last_line, _tagged)
    return _unless_taken_back(text, [*found, boxed] if boxed else found)


def _found_by(text: str, *finders: Callable[[str], Statement | None]) -> list[Statement]:
    return [statement for statement in (find(text) for find in finders) if statement is not None]


def _unless_taken_back(text: str, found: list[Statement]) -> str | None:
    if not found:
        return None
    last = max(found, key=lambda statement: (statement.start, statement.answer is not None))
    return None if last.answer is None or _is_taken_back(text, last.end) else last.answer or None


def _may_state(text: str) -> bool:
    """Whether anything but a box may state an answer in a text; headings and tags hold the stem of the word."""
    return "####" in text or "A:" in text or holds_stem(text)


def _is_taken_back(text: str, end: int) -> bool:
    behind = text[end:].lower()
    return any(word in behind for word in _RETRACTING) and _RETRACTION.search(text, min(end, len(text))) is not None


def _last(matches: Iterable[re.Match[str]]) -> re.Match[str] | None:
    newest = deque(matches, maxlen=1)
    return newest[0] if newest else None


def _line_after(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start:] if end < 0 else text[start:end]


def _hashes(text: str) -> Statement | None:
    """Markdown has headings of four as well: those hold no answer."""
    if "####" not in text:
        return None
    for marker in reversed(list(_HASHES.finditer(text))):
        line = _line_after(text, marker.end())
        is_heading = any(lead.start <= marker.end() < lead.end for lead in headings(text[: marker.end() + len(line)]))
        if is_heading or _NO_ANSWER.match(line) or len(re.findall(r"[^\W\d_]{2,}", line)) > _MOST_WORDS:
            continue
        return Statement(marker.start(), marker.end() + len(line), tidy(line))
    return None


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
    for lead in reversed(list(headings(text))):
        if text[lead.end :].strip():
            value = None if _goes_on_as_list(text, lead) else value_after(text, lead)
            return Statement(lead.start, _end_of_value(text, lead), value)
    return None


def _goes_on_as_list(text: str, lead: Lead) -> bool:
    """Whether the line after the first one under a heading looks like an answer too: which one is meant?"""
    lines = text[lead.end :].lstrip(" \t*_:：】]\r\n").partition("\n\n")[0].splitlines()
    if len(lines) < 2 or lines[0].lstrip().startswith(("\\[", "$$", "\\begin")):
        return False
    return len(lines[1]) < 40 and read_value(lines[1].strip(), words=False) is not None


def _announced(text: str) -> Statement | None:
    """`The answer is: x`, and `answer is x` where x looks like one: prose has other answers too."""
    for lead in sorted(leads(text), key=lambda lead: lead.start, reverse=True):
        value = value_after(text, lead)
        is_line_start = not text[text.rfind("\n", 0, lead.start) + 1 : lead.start].strip(" \t*_#>【[")
        if value or (lead.is_explicit and is_line_start and _line_after(text, lead.end).strip(" \t*_:：】]")):
            return Statement(lead.start, _end_of_value(text, lead), value)
    return None


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
    start = body.rfind("\n") + 1
    marker = _LAST_LINE.match(body, start)
    return Statement(start, len(body), read_value(body[marker.end() :], words=True)) if marker else None


def _is_tagged(text: str) -> bool:
    if "<" not in text and "[" not in text:
        return False
    lowered = text.lower()
    return "<ans" in lowered or "<final" in lowered or "[answer]" in lowered


def _tagged(text: str) -> Statement | None:
    marker = _last(_TAG.finditer(text)) if _is_tagged(text) else None
    if marker is None:
        return None
    inner = marker["inner"] if marker["tag"] else marker["held"]
    return Statement(marker.start(), marker.end(), read_value(" ".join(inner.split()), words=True))


def _boxed(text: str) -> Statement | None:
    found = last_boxed_answer(text)
    return Statement(found.start, found.end, found.answer) if found else None
