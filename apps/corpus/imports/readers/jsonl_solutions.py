"""The solution of a canonical row, or one of two: its steps as objects, as texts, or as one text to split. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from apps.corpus.imports.readers.base import ReaderOptions
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import RowError, SolutionRecord, StepRecord
from apps.corpus.splitting.steps import split_steps

HIGHEST = 100_000  # Positions and candidates: far beyond any solution, and it keeps a typo small.

Number = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]


def solution_of(fields: Fields | None, options: ReaderOptions) -> SolutionRecord | None:
    if fields is None:
        return None
    steps, separator = _steps(fields, options)
    extras = fields.maybe_object("extras")
    return SolutionRecord(
        steps=steps,
        external_id=fields.maybe_text("external_id"),
        source=fields.maybe_text("source"),
        final_answer=fields.maybe_text("final_answer"),
        is_correct=fields.maybe_bool("is_correct"),
        verifier_score=fields.maybe_float("verifier_score"),
        separator=fields.maybe_text("separator") or separator,
        identity=extras.maybe_text("identity") if extras else None,
        extras=dict(extras.row) if extras else {},
    )


def _steps(fields: Fields, options: ReaderOptions) -> tuple[list[StepRecord], str]:
    if fields.row.get("steps") is None and isinstance(fields.row.get("text"), str):
        texts, separator = split_steps(fields.text("text"), options.split, options.separator)
        return [StepRecord(position=place, text=text) for place, text in enumerate(texts)], separator
    values = fields.listed("steps")
    if values and all(isinstance(value, str) for value in values):
        return [StepRecord(position=place, text=text) for place, text in enumerate(fields.texts("steps"))], "\n"
    steps = _plain_steps(values) or [_step(step, place) for place, step in enumerate(fields.objects("steps"))]
    if not steps:
        raise fields.wrong("steps", "at least one step")
    return _checked(steps, fields.at("steps")), "\n"


class _PlainStep(msgspec.Struct, gc=False):
    """A step with nothing about it that needs a closer look, as nearly all are: msgspec reads these in C."""

    text: Annotated[str, msgspec.Meta(pattern=r"\S")]
    position: Number | None = None
    candidate: Number = 0
    origin: Literal["model", "human"] = "model"
    chosen: bool | None = None


def _plain_steps(values: list[Any]) -> list[StepRecord] | None:
    """None when one of them is not plain: then `_step` finds out what it is, or says what is wrong."""
    try:
        plain = msgspec.convert(values, list[_PlainStep])
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return [
        StepRecord(
            position=place if step.position is None else step.position,
            candidate=step.candidate,
            text=step.text,
            origin=step.origin,
            chosen=step.candidate == 0 if step.chosen is None else step.chosen,
        )
        for place, step in enumerate(plain)
    ]


def _step(fields: Fields, place: int) -> StepRecord:
    position = fields.maybe_int("position", least=0, most=HIGHEST)
    candidate = fields.maybe_int("candidate", least=0, most=HIGHEST) or 0
    origin = fields.maybe_text("origin") or "model"
    if origin not in ("model", "human"):
        raise fields.wrong("origin", "model or human")
    chosen = fields.maybe_bool("chosen")
    return StepRecord(
        position=place if position is None else position,
        candidate=candidate,
        text=fields.text("text"),
        origin=origin,
        chosen=candidate == 0 if chosen is None else chosen,
    )


def _checked(steps: list[StepRecord], at: str) -> list[StepRecord]:
    """Every place once, and the chosen ones a path from 0 without a gap or a fork."""
    if all(step.position == place and step.chosen for place, step in enumerate(steps)):
        return steps
    if len({(step.position, step.candidate) for step in steps}) < len(steps):
        raise RowError(at, "two steps have the same position and candidate")
    path = sorted(step.position for step in steps if step.chosen)
    if path != list(range(len(path))):
        raise RowError(at, "the chosen steps are not one at each position from 0 on")
    return sorted(steps, key=lambda step: (step.position, step.candidate))
