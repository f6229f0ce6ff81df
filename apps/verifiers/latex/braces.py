r"""Normalizes braces in an answer: arguments without braces, boxes, and the infix commands of plain TeX."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\(frac|binom|sqrt)(?![A-Za-z])")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_OPENERS = frozenset("{([")
_INFIX = re.compile(r"\\(over|choose)(?![A-Za-z])")
_INFIX_COMMANDS = {"over": "\\frac", "choose": "\\binom"}
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*(\{)?")
_TYPE = re.compile(r"\\(?:mathbf|boldsymbol|bm|pmb|mathit|mathnormal|underline)\s*\{(?!\s*R\s*\})")
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
# An answer with more commands than this is not rewritten any further.
_MAX_COMMANDS = 50


def unbox(text: str) -> str:
    r"""Without `\boxed{}`. Within a sentence, the contents of the boxes alone are the answer."""
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
    r"""Without `\mathbf{}` and similar commands, which never change a meaning, except in `\mathbf{R}`, the real line."""
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
        # The inside of the innermost brackets around the command, or the whole text.
        start, end = max(
            (
                (opening + 1, closing)
                for opening, closing in closings(text).items()
                if opening < command.start() and command.end() <= closing
            ),
            default=(0, len(text)),
        )
        top, bottom = text[start : command.start()].strip(), text[command.end() : end].strip()
        text = f"{text[:start]}{_INFIX_COMMANDS[command[1]]}{{{top}}}{{{bottom}}}{text[end:]}"
    return text


def brace_arguments(text: str) -> str:
    r"""`\frac12` as `\frac{1}{2}`, `\sqrt8` as `\sqrt{8}`, `\sqrt(8)` as `\sqrt{(8)}`."""
    if not _COMMAND.search(text):
        return text
    closing = closings(text)
    inserts: list[tuple[int, str]] = []
    for command in _COMMAND.finditer(text):
        position = command.end()
        if command.group(1) == "sqrt":
            option = _skip_spaces(text, position)
            if text[option : option + 1] == "[":
                position = closing.get(option, option) + 1
        else:
            position = _brace(text, position, closing, inserts)
        _brace(text, position, closing, inserts)
    pieces: list[str] = []
    previous = 0
    for position, brace in sorted(inserts, key=lambda insert: insert[0]):
        pieces += [text[previous:position], brace]
        previous = position
    return "".join([*pieces, text[previous:]])


def _brace(text: str, position: int, closing: dict[int, int], inserts: list[tuple[int, str]]) -> int:
    """Add braces to the argument that starts at `position`, unless it has them. Returns where the argument ends."""
    start = _skip_spaces(text, position)
    if start >= len(text) or text[start] in "})]" or _COMMAND.match(text, start):
        return start
    if text[start] == "{":
        return closing.get(start, start) + 1
    if text[start] == "(" and start in closing:
        end = closing[start] + 1
    else:
        token = _TOKEN.match(text, start)
        end = token.end() if token else start
    inserts += [(start, "{"), (end, "}")]
    return end


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position] == " ":
        position += 1
    return position


def closings(text: str) -> dict[int, int]:
    """The position of the closing bracket for each opening one. `(3,4]` is an interval; unclosed brackets are left out."""
    closing: dict[int, int] = {}
    stack: list[int] = []
    for token in _TOKEN.finditer(text):
        character = token.group()
        if character in _OPENERS:
            stack.append(token.start())
        elif character == "}":
            while stack and text[stack[-1]] != "{":
                stack.pop()
            if stack:
                closing[stack.pop()] = token.start()
        elif character in {")", "]"} and stack and text[stack[-1]] != "{":
            closing[stack.pop()] = token.start()
    return closing
