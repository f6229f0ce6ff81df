r"""Finds answers in `\boxed{}` and `\fbox{}`: the last box, or several boxes that form one answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_OPENING = re.compile(r"\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE = re.compile(r"\s*(\\[A-Za-z]+|[^\s$\\,;]+)")
# Between two boxes of one list there is nothing but what joins them.
_JOINED = re.compile(
    r"(?:[\s$,;&，、；]|\\[()\[\],;:! ]|\\q?quad|\\(?:text|mathrm|mbox)\s*\{\s*,?\s*(?:and|or)?\s*\}|\\text\s*\{\s*\}|\*\*"
    r"|(?<![A-Za-z])(?:and|or|et|ou|und|oder|y|e|o|и|или|as well as)(?![A-Za-z])|和|或|与|與|及|以及|と|または|와"
    r"|과|또는|و|أو|और|या)*"
)
_JOINING = re.compile(r"[,;&，、；]|\b(?:and|or|et|ou|und|oder|y|e|o|и|или)\b|[和或与與及と와과و]|または|또는|أو|और|या")
_LABELLED = re.compile(r"[\s$,;]*(?:and|or)?[\s$]*[A-Za-z](?:_\{?\w\}?)?\s*=\s*[\s$]*|[\s$,;.]*\(?[a-dA-Di]+\)[\s$:]*")
_BULLET = re.compile(r"[\s$.,;]*\n\s*(?:[-*•]|\d+[.)])[\s$]*")
_CONCLUDING = re.compile(
    r"\b(?:wait|actually|no|sorry|instead|correct\w*|mistake|error|wrong|recheck\w*|rather|therefore|thus|hence|so"
    r"|simplif\w+|final|answer|total|sum|altogether|which is|that is)\b",
    re.IGNORECASE,
)
_CORRECTING = re.compile(
    rf"{_CONCLUDING.pattern}|\b(?:then|finally|gives|becomes|equals|substitut\w+|plug\w*|now|next)\b|=|≈", re.IGNORECASE
)
_ADDING = re.compile(r"\b(?:other|second|third|also|another|remaining|respectively|both|and)\b", re.IGNORECASE)
# Another value of the same kind, whatever words introduce it.
_ENUMERATING = re.compile(
    r"\b(?:(?:the )?(?:other|second|third|last|next|final|remaining) (?:one|root|solution|value|number|case)?|also|another"
    r"|case (?:[2-9]|II+|[B-D])|one (?:is|root|solution|value))\b",
    re.IGNORECASE,
)


# What may separate a box from the end of its sentence or line: the end of the formula, a unit or a few words.
_CLOSED = re.compile(
    r"(?:[ \t$)\]}*_]|\\[)\],;! \\]|\\text\s?\{[^{}]*\}|\\end\{\w+\*?\}|\^\{?\\circ\}?|\^?[23²³°%])*"
    r"(?:[^\W\d_]+(?:[ \t]+[^\W\d_]+){0,2}[ \t]*)?(?:[.!](?=[\s$*]|\\\)|\\\]|\Z)|[。！]|\n|\Z)"
)
# Later boxes are ignored: a text with more of them does not state its answer in a box.
_MOST_BOXES = 40


class Box(msgspec.Struct, frozen=True):
    start: int
    end: int
    content: str


@dataclass(frozen=True, slots=True)
class BoxedAnswer:
    """`answer` is None where a box is never closed, or where it is ambiguous whether several boxes form one answer."""

    start: int
    end: int
    answer: str | None
    ends_sentence: bool = False


def last_boxed_answer(text: str) -> BoxedAnswer | None:
    """The last box, with the preceding ones that belong to the same answer; None without a box."""
    markers = list(BOX.finditer(text)) if "box" in text else []
    if not markers:
        return None
    last = _box(text, markers[-1])
    if last is None:
        return BoxedAnswer(markers[-1].start(), len(text), None)
    parts = [last]
    for marker in reversed(markers[:-1]):
        before = _box(text, marker)
        if before is None or before.end > parts[0].start:
            break
        relation = _relation(text[before.end : parts[0].start])
        if relation == "unclear" and before.content != parts[0].content:
            return BoxedAnswer(last.start, last.end, None)
        if relation != "list":
            break
        parts.insert(0, before)
    contents = list(dict.fromkeys(part.content for part in parts))
    return BoxedAnswer(last.start, last.end, ", ".join(contents) if all(contents) else None)


def boxed_answers(text: str) -> Iterator[BoxedAnswer]:
    """The first boxes in order. The boxes of one list form one answer."""
    markers = list(BOX.finditer(text))[:_MOST_BOXES] if "box" in text else []
    parts: list[Box] = []
    for box in (_box(text, marker) for marker in markers):
        if box is None or (parts and box.start < parts[-1].end):
            continue
        if parts and _relation(text[parts[-1].end : box.start]) != "list":
            yield _joined(text, parts)
            parts = []
        parts.append(box)
    if parts:
        yield _joined(text, parts)


def boxes_of(text: str) -> list[Box]:
    """Every closed box in order, each on its own, up to a number of them that no text reaches that states its answer."""
    markers = list(BOX.finditer(text))[-_MOST_BOXES:] if "box" in text else []
    return [box for box in (_box(text, marker) for marker in markers) if box is not None]


def _joined(text: str, parts: list[Box]) -> BoxedAnswer:
    answer = ", ".join(dict.fromkeys(part.content for part in parts))
    ends_sentence = _CLOSED.match(text, parts[-1].end) is not None
    return BoxedAnswer(parts[-1].start, parts[-1].end, answer or None, ends_sentence)


def _relation(between: str) -> str:
    """Whether two neighbouring boxes are a `list`, `apart` (the later one is the whole answer), or `unclear`."""
    if _JOINED.fullmatch(between):
        return "list" if _JOINING.search(between) else "unclear"
    if _LABELLED.fullmatch(between) or _BULLET.fullmatch(between):
        return "unclear"
    is_one_sentence = "\n" not in between and not re.search(r"[.;!?。](?:\s|$)", between)
    if _ENUMERATING.search(between) and not _CONCLUDING.search(between):
        return "unclear"
    if _CORRECTING.search(between):
        return "apart"
    return "unclear" if is_one_sentence or _ADDING.search(between) else "apart"


def _box(text: str, marker: re.Match[str]) -> Box | None:
    """The box of a marker, with the contents of its braces or the next token; None if it is never closed."""
    opening = _OPENING.match(text, marker.end())
    if opening is None:
        bare = _BARE.match(text, marker.end())
        return Box(marker.start(), bare.end(), bare.group(1)) if bare else None
    depth = 1
    for brace in _BRACE.finditer(text, opening.end()):
        # Escaped braces do not count.
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return Box(marker.start(), brace.end(), text[opening.end() : brace.start()].strip())
    return None
