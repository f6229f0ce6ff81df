"""The parts of a reply that are about one step each: `[2] ...`, `Step 2: ...`, `<step_2>...`, `| 2 | ...`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from apps.corpus.labels import BAD, GREAT, OKAY
from apps.verifiers.extraction.boxes import BOX

_NUMBER = r"(\d{1,9})"
_HEAD = re.compile(
    rf"""^[ \t>*\#|_-]*
    (?: [\[【［] \s* (?:step[ _]?)? {_NUMBER} \s* [\]】］]
      | <step_{_NUMBER}>
      | (?:step|paragraph|步骤|第) [ \t]*[_\#]?[ \t]* {_NUMBER} [ \t]*步? [*_]* (?=[ \t]*[:：.)）—–|-]|[ \t]*$)
      | (?<=\|) [ \t]* {_NUMBER} [ \t]* (?=\|)
      | (?P<bare>\d{{1,9}}) (?=[.):：][ \t])
    )
    [*_]* [ \t]* (?:[:：.)）|]|[—–-]{{1,3}})? [*_]* [ \t]*""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_CLOSING_TAG = re.compile(r"</step_\d+>\s*$")
_RULE = re.compile(r"(?:\n|\A)\s*(?:-{3,}|\*{3,}|```\w*)\s*(?=\n|\Z)")

RATING_WORDS: Mapping[str, int] = {
    "good": GREAT,
    "great": GREAT,
    "correct": GREAT,
    "right": GREAT,
    "okay": OKAY,
    "ok": OKAY,
    "neutral": OKAY,
    "bad": BAD,
    "incorrect": BAD,
    "wrong": BAD,
}
_WORD = rf"[*_`\"'“(\[]*({'|'.join(RATING_WORDS)})[*_`\"'”)\]]*"
_FIRST = re.compile(rf"\s*{_WORD}[ \t]*(?:[.:：;|]|[—–-]{{1,3}}(?=\s)|$)", re.IGNORECASE | re.MULTILINE)
_LABELED = re.compile(
    rf"[*_(\[]*\b(?:rating|verdict|judge?ment|label)\b[*_`\"' \t]*[:：=][ \t]*{_WORD}(?![\w/])[.)\]]*", re.IGNORECASE
)
_LAST = re.compile(rf"(?:→|->|=>|[—–]|\||\()[ \t]*{_WORD}[ \t]*[.|)\]*_]*\s*\Z", re.IGNORECASE)
# How the critic in the box ends its lines.
_CONCLUSION = re.compile(r",\s*(right|wrong)\.\s*\Z")


class StepLine(msgspec.Struct, frozen=True):
    """What a reply says of one step. `is_bare`: its number has no mark but a dot, as that of any list."""

    index: int
    text: str
    is_bare: bool = False

    @property
    def ratings(self) -> set[int]:
        """Every rating that the text gives, at its beginning, after a label or at its end."""
        words = {match.group(1) for match in _LABELED.finditer(self.text)}
        words |= {match.group(1) for match in (_FIRST.match(self.text), _LAST.search(self.text)) if match}
        return {RATING_WORDS[word.lower()] for word in words}

    @property
    def reason(self) -> str:
        """The text without its rating."""
        text = _LABELED.sub("", self.text)
        text = _LAST.sub("", _FIRST.sub("", text, count=1) if _FIRST.match(text) else text)
        return re.sub(r"^\s*[*_]*(?:reason|explanation)[*_]*\s*[:：]\s*[*_]*\s*", "", text, flags=re.IGNORECASE).strip(
            " \t\r\n|"
        )

    @property
    def conclusion(self) -> int | None:
        """GREAT or BAD by the last word of a line of the critic in the box, or None."""
        match = _CONCLUSION.search(self.text)
        return None if match is None else GREAT if match.group(1) == "right" else BAD


def step_lines(text: str) -> list[StepLine]:
    """The parts in order, each up to the next one, a box, or a horizontal rule."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[StepLine]:
    heads = list(_HEAD.finditer(text))
    for place, head in enumerate(heads):
        end = heads[place + 1].start() if place + 1 < len(heads) else len(text)
        body = text[head.end() : end]
        yield StepLine(int(head[head.lastindex or 0]), _own_part(body), is_bare=head["bare"] is not None)


def _own_part(body: str) -> str:
    """The text before the verdict of the whole reply."""
    if "box" in body and (box := BOX.search(body)):
        line = body.rfind("\n", 0, box.start())
        body = body[: line if line >= 0 else box.start()]
    if rule := _RULE.search(body):
        body = body[: rule.start()]
    return _CLOSING_TAG.sub("", body.strip()).strip()
