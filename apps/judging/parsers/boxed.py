r"""The first bad step in `\boxed{}`, as ProcessBench asks its critics for it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import ClassVar

from apps.corpus.labels import BAD, GREAT, NO_ERROR
from apps.judging.parsers.base import CUT, Shown, is_closed
from apps.judging.parsers.json_steps import JsonSteps, json_steps
from apps.judging.parsers.loose_json import json_values
from apps.judging.parsers.quotes import quotable_boxes, squeezed
from apps.judging.parsers.step_lines import StepLine, step_lines
from apps.judging.verdicts import Reading, StepsVerdict, read, unreadable
from apps.verifiers.extraction.boxes import Box, boxes_of

_WRAPPING = re.compile(r"\\(?:text(?:bf|it|tt|rm|sf)?|math(?:bf|rm|tt|sf|it)?|mbox|bf|rm)(?![A-Za-z])")
_INDEX = re.compile(r"(?:(?:step|paragraph|index|position|k)[\s_#=:~]*)?(-?\d{1,9})\.?", re.IGNORECASE)
_MINUS = str.maketrans("−–—﹣－‐‑", "-------")
_SPACING = re.compile(r"\\[,;:! ]|[{}$*`<>\[\]()\\]")
# What may be on the line of a box that is the verdict.
_LABEL = re.compile(
    r"[\s$*_`>#\\(\[-]*(?:(?:the\s+)?(?:final\s+|overall\s+)?(?:answer|verdict|result|output|conclusion|index|first\s+(?:bad|wrong"
    r"|incorrect)\s+step|(?:first|earliest)\s+error(?:\s+(?:step|index|paragraph))?)\s*(?:is|at)?\s*[*_]*\s*[:：=]?)?[\s$*_`\\(\[]*",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(?:first|earliest)\s+(?:bad|wrong|incorrect|erroneous|error|mistake)\b[^.\n]{0,40}\Z", re.IGNORECASE
)
_LONGEST_CLAIM = 100
_TRAILER = re.compile(r"[\s$*_`.。)\]\\>]*")
_RETRACTION = re.compile(
    r"\b(?:wait|hold on|actually,|correction|on second thought|let me re\w+|i made (?:a|an) (?:mistake|error)|scratch that)"
    r"(?!\w)",
    re.IGNORECASE,
)


class Boxed:
    name: ClassVar = "boxed"
    title: ClassVar = "First bad step in a box"
    about: ClassVar = r"Reads the number of the first bad step, from 0, in \boxed{}; -1 means that no step is bad."

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        stated = json_steps(json_values(text), shown.steps)
        boxes = _own_boxes(text, shown.texts)
        if stated.problem and not boxes:
            return unreadable(stated.problem)
        if not boxes:
            return _by_json(stated, shown.steps, text, is_cut=is_cut)
        problem = _box_problem(text, boxes, shown.steps, is_cut=is_cut)
        if problem:
            return unreadable(problem)
        index = index_of(boxes[-1].content)
        assert index is not None
        return _checked(index, stated, step_lines(text), shown.steps)


def index_of(content: str) -> int | None:
    r"""The number in a box, also as `step 2`, `\text{2}` or in the digits of another script; None for anything else.

    "None" is no number: it may mean that no step is bad, or that the model does not know.
    """
    plain = _SPACING.sub(" ", unicodedata.normalize("NFKC", _WRAPPING.sub("", content).translate(_MINUS)))
    match = _INDEX.fullmatch(plain.strip())
    return int(match.group(1)) if match else None


def stated_index(text: str, shown: Shown) -> int | None:
    """The number in the last box that is the reply's own; None without one."""
    boxes = _own_boxes(text, shown.texts)
    return index_of(boxes[-1].content) if boxes else None


def range_problem(index: int, steps: int) -> str:
    """Why no step has this number, or an empty text."""
    if NO_ERROR <= index < steps:
        return ""
    return f"The reply names step {index}: it must be from 0 to {steps - 1}, or -1 for no bad step."


def _own_boxes(text: str, texts: Sequence[str]) -> list[Box]:
    """The boxes of the reply without those that it quotes from the problem or the solution within a line.

    A box that the reply calls the first error is no quote. Where no box is alone on its line, as it was asked for, a quote
    cannot be told from a verdict beside another box: all count, and contradict each other unless they are equal.
    """
    boxes = boxes_of(text)
    quotable = quotable_boxes(texts)
    own = [
        box
        for box in boxes
        if squeezed(box) not in quotable
        or _is_alone_on_its_line(text, box)
        or _CLAIM.search(text[max(0, box.start - _LONGEST_CLAIM) : box.start])
    ]
    return own if not own or _is_alone_on_its_line(text, own[-1]) else boxes


def _is_alone_on_its_line(text: str, box: Box) -> bool:
    start = text.rfind("\n", 0, box.start) + 1
    end = text.find("\n", box.end)
    after = text[box.end : end if end >= 0 else len(text)]
    return _LABEL.fullmatch(text, start, box.start) is not None and _TRAILER.fullmatch(after) is not None


def _box_problem(text: str, boxes: Sequence[Box], steps: int, *, is_cut: bool) -> str:
    """Why the boxes hold no verdict, or an empty text."""
    last = boxes[-1]
    index = index_of(last.content)
    if index is None:
        return f"The box holds “{last.content[:40]}”, which is not the number of a step."
    values = {value for box in boxes if (value := index_of(box.content)) is not None}
    if len(values) > 1:
        return f"The boxes of the reply hold different numbers: {', '.join(map(str, sorted(values)))}."
    if not is_closed(text, last.end, is_cut=is_cut):
        return CUT
    if _RETRACTION.search(text, last.end):
        return "The reply goes on after its verdict and takes it back."
    return range_problem(index, steps)


def _by_json(stated: JsonSteps, steps: int, text: str, *, is_cut: bool) -> Reading:
    """The verdict of a reply without a box that names the first error in JSON."""
    if stated.first_error is None:
        return unreadable(CUT if is_cut else r"The reply has no \boxed{} with the number of the first bad step.")
    if not is_closed(text, stated.end, is_cut=is_cut):
        return unreadable(CUT)
    problem = range_problem(stated.first_error, steps)
    return unreadable(problem) if problem else _checked(stated.first_error, stated, [], steps)


def _checked(index: int, stated: JsonSteps, lines: Sequence[StepLine], steps: int) -> Reading:
    """The verdict, unless the rest of the reply contradicts it."""
    marked = [line for line in lines if not line.is_bare]
    problem = (
        _json_problem(index, stated)
        or _numbering_problem([line.index for line in marked], index, steps)
        or _conclusion_problem(index, marked)
    )
    if problem:
        return unreadable(problem)
    last = index if index >= 0 else steps - 1
    ratings = {position: BAD if position == index else GREAT for position in range(last + 1)}
    written: dict[int, str] = {}
    for line in marked:
        if line.text:
            written.setdefault(line.index, line.text)
    reasons = {position: written.get(position) or stated.reasons.get(position, "") for position in ratings}
    return read(StepsVerdict(ratings, {position: reason for position, reason in reasons.items() if reason}))


def _json_problem(index: int, stated: JsonSteps) -> str:
    if stated.problem:
        return stated.problem
    is_against = any(
        (rating == BAD) != (position == index)
        for position, rating in stated.ratings.items()
        if _counts(position, index)
    )
    if is_against or stated.first_error not in {None, index}:
        return "The JSON of the reply and its box contradict each other."
    return ""


def _counts(position: int, index: int) -> bool:
    """Whether a rating of this step bears on the first error: steps after it may be good or bad."""
    return index == NO_ERROR or position <= index


def _numbering_problem(indices: Sequence[int], index: int, steps: int) -> str:
    """A model that counts its steps from 1 also counts so in its box, which is then off by one."""
    numbers = set(indices)
    if 0 not in numbers and (steps in numbers or (1 in numbers and len(numbers) > 1)):
        return "The reply counts the steps from 1, so its box may be off by one."
    return ""


def _conclusion_problem(index: int, lines: Sequence[StepLine]) -> str:
    """Whether a line calls the first bad step right, or one before it bad."""
    for line in lines:
        stated = line.ratings | ({line.conclusion} if line.conclusion is not None else set())
        is_bad_here = line.index == index
        if _counts(line.index, index) and len(stated) == 1 and (BAD in stated) != is_bad_here:
            word = "right" if is_bad_here else "wrong"
            return f"The reply calls step {line.index} {word}, and its box says {index}."
    return ""
