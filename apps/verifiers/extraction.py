r"""Finding the final answer in the text of a solution.

The markers are GSM8K's `#### x` and `A: x` (its model solutions, on the last line), PRM800K's
`# Answer`, Math-Shepherd's `The answer is: x`, and MATH's `\boxed{x}`. **The marker that starts last in the
text wins**: a solution states its answer at its end, what stands earlier is an intermediate result
or an answer that was revised, and where two markers are nested (`#### \boxed{7}`) the inner one
starts later and is the tighter one. Of boxes only the last counts; two boxes are not a set. A box that is
never closed is a solution that was cut off, and holds no answer.

Everything is linear in the text: each marker is searched once, and only the last one is read. Plain look-ups
come before the patterns: a run reads hundreds of rollouts a second, and most hold one kind of marker.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable

_HASHES = re.compile(r"^[ \t]*####(?!#)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,3} Answer:?(?=[ \t]*$)", re.MULTILINE)
_SAID = re.compile(
    r"\banswer(?:[ \t]+is)?[ \t]?:(?:\*\*)?|\banswer[ \t]+is(?=[ \t]*(?:\*\*[ \t]*)?(?:[$\\(\[{+.\d−€£-]|[A-Za-z]\b))",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(r"[ \t]*A:[ \t]*(?=\S)")
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE = re.compile(r"\s*(\\[A-Za-z]+|[^\s$\\,;]+)")
_SENTENCE_END = re.compile(r"\.(?=\s)")

Found = tuple[int, str]


def extract_answer(text: str) -> str | None:
    """The final answer as it stands in `text`, without its marker; None where there is none."""
    finders: tuple[Callable[[str], Found | None], ...] = (_hashes, _heading, _said, _last_line, _box)
    found = [hit for hit in (find(text) for find in finders) if hit is not None]
    for _, answer in sorted(found, key=lambda hit: hit[0], reverse=True):
        tidy = _tidy(answer)
        if tidy:
            return tidy
    return None


def last_boxed(text: str) -> str | None:
    r"""What stands in the last `\boxed{}` or `\fbox{}`; None without a box, or when it is never closed."""
    found = _box(text)
    return (found[1].strip() or None) if found else None


def _last(matches: Iterable[re.Match[str]]) -> re.Match[str] | None:
    newest = deque(matches, maxlen=1)
    return newest[0] if newest else None


def _line_after(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start:] if end < 0 else text[start:end]


def _hashes(text: str) -> Found | None:
    marker = _last(_HASHES.finditer(text)) if "####" in text else None
    return (marker.start(), _line_after(text, marker.end())) if marker else None


def _heading(text: str) -> Found | None:
    """The paragraph under the heading: a matrix may take several lines."""
    marker = _last(_HEADING.finditer(text)) if "# Answer" in text else None
    if marker is None:
        return None
    return marker.start(), text[marker.end() :].strip().partition("\n\n")[0]


def _said(text: str) -> Found | None:
    """`The answer is: x`, and `answer is x` where x looks like one: prose has other answers too."""
    marker = _last(_SAID.finditer(text))
    if marker is None:
        return None
    return marker.start(), _first_sentence(_line_after(text, marker.end()).strip())


def _first_sentence(line: str) -> str:
    """Up to the full stop, unless the answer is set in dollars: then up to the closing one."""
    line = line.removeprefix("**").strip()
    if line.startswith("$") and (end := line.find("$", 1)) > 1 and not line[end - 1].isspace():
        return line[: end + 1]
    stop = _SENTENCE_END.search(line)
    return line[: stop.start()] if stop else line


def _last_line(text: str) -> Found | None:
    if "A:" not in text:
        return None
    body = text.rstrip()
    start = body.rfind("\n") + 1
    marker = _LAST_LINE.match(body, start)
    return (start, body[marker.end() :]) if marker else None


def _box(text: str) -> Found | None:
    marker = _last(_BOX.finditer(text)) if "box" in text else None
    if marker is None:
        return None
    opening = _BRACE.match(text, _skip_space(text, marker.end()))
    if opening is None or opening.group() != "{":
        bare = _BARE.match(text, marker.end())
        return (marker.start(), bare.group(1)) if bare else None
    end = _closing_brace(text, opening.end())
    return None if end is None else (marker.start(), text[opening.end() : end])


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _closing_brace(text: str, start: int) -> int | None:
    """Where the group that was opened just before `start` is closed. Escaped braces do not count."""
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return brace.start()
    return None


def _tidy(answer: str) -> str:
    """Without emphasis, the full stop of its sentence, and dollars that only say "this is LaTeX"."""
    answer = answer.strip().strip("*`").strip()
    if answer.endswith(".") and not answer.endswith(".."):
        answer = answer[:-1].rstrip()
    answer = answer.strip("*`").strip()
    if len(answer) > 1 and answer[0] == answer[-1] == "$" and answer.count("$") == 2:
        answer = answer[1:-1].strip()
    return answer
