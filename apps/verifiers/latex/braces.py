r"""What braces say in an answer: arguments without them, boxes, and the infix commands of plain TeX."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\(frac|binom|sqrt)(?![A-Za-z])")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_CLOSES = frozenset("{([")
_INFIX = re.compile(r"\\(over|choose)(?![A-Za-z])")
_INFIX_COMMANDS = {"over": "\\frac", "choose": "\\binom"}
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*(\{)?")
_TYPE = re.compile(r"\\(?:mathbf|boldsymbol|bm|pmb|mathit|mathnormal|underline)\s*\{(?!\s*R\s*\})")
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
# More of them in one answer are not worth the rewriting.
_MAX_COMMANDS = 50


def unbox(text: str) -> str:
    r"""Without `\boxed{}`. In the middle of a sentence the boxes alone are the answer."""
    if "box" not in text:
        return text
    closing = closings(text)
    boxes: list[tuple[int, int, int]] = []
    for box in _BOX.finditer(text):
        opening = box.end() - 1
        if box[1] is None or opening not in closing:
            continue
        boxes.append((box.start(), opening, closing[opening]))
    outer = [box for box in boxes if not any(other[1] < box[0] < other[2] for other in boxes)]
    if not outer:
        return text
    inner = [unbox(text[opening + 1 : end]).strip() for _, opening, end in outer]
    between = _between(text, outer)
    if any(_PROSE.search(piece) for piece in (between[0], *between[1:-1])):
        return ", ".join(inner)
    pieces = [between[0]]
    for content, piece in zip(inner, between[1:], strict=True):
        pieces += [content, piece]
    return "".join(pieces).strip()


def unwrap_type(text: str) -> str:
    r"""Without `\mathbf{}` and its like, which say nothing whatever stands in them. `\mathbf{R}` is the real line."""
    for _ in range(_MAX_COMMANDS):
        command = _TYPE.search(text)
        if command is None:
            return text
        end = closings(text).get(command.end() - 1)
        if end is None:
            return text
        text = f"{text[: command.start()]}{text[command.end() : end]}{text[end + 1 :]}"
    return text


def _between(text: str, boxes: list[tuple[int, int, int]]) -> list[str]:
    starts = [start for start, _, _ in boxes] + [len(text)]
    ends = [0] + [end + 1 for _, _, end in boxes]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]


def rewrite_infix(text: str) -> str:
    r"""`{3 \over 7}` as `{\frac{3}{7}}`, `{n \choose k}` as `{\binom{n}{k}}`."""
    for _ in range(_MAX_COMMANDS):
        command = _INFIX.search(text)
        if command is None:
            return text
        start, end = _group_around(text, command.start(), command.end())
        top, bottom = text[start : command.start()].strip(), text[command.end() : end].strip()
        text = f"{text[:start]}{_INFIX_COMMANDS[command[1]]}{{{top}}}{{{bottom}}}{text[end:]}"
    return text


def _group_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The inside of the innermost brackets around a place; the whole text where there are none."""
    around = [(opening + 1, close) for opening, close in closings(text).items() if opening < start and end <= close]
    return max(around, default=(0, len(text)))


def brace_arguments(text: str) -> str:
    r"""`\frac12` as `\frac{1}{2}`, `\sqrt8` as `\sqrt{8}`, `\sqrt(8)` as `\sqrt{(8)}`."""
    if not _COMMAND.search(text):
        return text
    closing = closings(text)
    inserts: list[tuple[int, str]] = []
    for command in _COMMAND.finditer(text):
        position = command.end()
        if command.group(1) == "sqrt":
            position = _after_option(text, position, closing)
            _brace(text, position, closing, inserts)
        else:
            position = _brace(text, position, closing, inserts)
            _brace(text, position, closing, inserts)
    return _inserted(text, inserts)


def _after_option(text: str, position: int, closing: dict[int, int]) -> int:
    start = _skip(text, position)
    return closing.get(start, start) + 1 if text[start : start + 1] == "[" else position


def _brace(text: str, position: int, closing: dict[int, int], inserts: list[tuple[int, str]]) -> int:
    """Braces the argument that starts at `position`, where it has none. Returns where it ends."""
    start = _skip(text, position)
    if start >= len(text) or text[start] in "})]" or _COMMAND.match(text, start):
        return start
    if text[start] == "{":
        return closing.get(start, start) + 1
    end = closing[start] + 1 if text[start] == "(" and start in closing else _token_end(text, start)
    inserts += [(start, "{"), (end, "}")]
    return end


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] == " ":
        position += 1
    return position


def _token_end(text: str, start: int) -> int:
    token = _TOKEN.match(text, start)
    return token.end() if token else start


def closings(text: str) -> dict[int, int]:
    """Where the bracket that opens at each position closes. `(3,4]` is an interval; what no brace closes is left out."""
    closing: dict[int, int] = {}
    stack: list[int] = []
    for token in _TOKEN.finditer(text):
        character = token.group()
        if character in _CLOSES:
            stack.append(token.start())
        elif character == "}":
            while stack and text[stack[-1]] != "{":
                stack.pop()
            if stack:
                closing[stack.pop()] = token.start()
        elif character in {")", "]"} and stack and text[stack[-1]] != "{":
            closing[stack.pop()] = token.start()
    return closing


def _inserted(text: str, inserts: list[tuple[int, str]]) -> str:
    pieces: list[str] = []
    done = 0
    for position, brace in sorted(inserts, key=lambda insert: insert[0]):
        pieces += [text[done:position], brace]
        done = position
    return "".join([*pieces, text[done:]])
