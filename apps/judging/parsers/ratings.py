"""A rating and a reason for each step, as JSON or in lines. Pure."""

from __future__ import annotations

from typing import ClassVar

from apps.corpus.labels import BAD, UNKNOWN, first_error
from apps.judging.parsers.base import CUT, Shown, is_closed
from apps.judging.parsers.boxed import stated_index
from apps.judging.parsers.json_steps import JsonSteps, json_steps
from apps.judging.parsers.loose_json import json_values
from apps.judging.parsers.step_lines import step_lines
from apps.judging.verdicts import Reading, StepsVerdict, read, unreadable


class Ratings:
    name: ClassVar = "ratings"
    title: ClassVar = "Ratings of steps"
    about: ClassVar = "Reads good, okay or bad and a reason for each step up to the first bad one, as JSON or in lines."

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        stated = json_steps(json_values(text), shown.steps)
        if stated.problem:
            return unreadable(CUT if is_cut else stated.problem)
        problem = ""
        if stated.ratings:
            problem = "" if is_closed(text, stated.end, is_cut=is_cut) else CUT
        else:
            problem = CUT if is_cut else _add_lines(text, shown.steps, stated)
        problem = problem or _coverage_problem(stated, shown.steps) or _agreement_problem(text, stated, shown)
        return unreadable(problem) if problem else read(StepsVerdict(stated.ratings, stated.reasons))


def _add_lines(text: str, steps: int, stated: JsonSteps) -> str:
    """Add the ratings of lines; returns why they cannot be read, or an empty text."""
    for line in step_lines(text):
        ratings = line.ratings
        if len(ratings) > 1:
            return f"The reply gives step {line.index} two different ratings."
        if ratings and not 0 <= line.index < steps:
            return f"The reply rates step {line.index}: steps are from 0 to {steps - 1}."
        if ratings:
            stated.add(line.index, ratings.pop(), line.reason)
    return stated.problem


def _coverage_problem(stated: JsonSteps, steps: int) -> str:
    if not stated.ratings:
        return "The reply rates no step."
    if first_error(stated.ratings, steps) != UNKNOWN:
        return ""
    missing = next(position for position in range(steps) if position not in stated.ratings)
    has_bad = BAD in stated.ratings.values()
    return f"The reply does not rate step {missing}" + (", which is before its first bad step." if has_bad else ".")


def _agreement_problem(text: str, stated: JsonSteps, shown: Shown) -> str:
    """Whether the reply also names a first error, and another one than its ratings do."""
    rated = first_error(stated.ratings, shown.steps)
    named = {stated.first_error, stated_index(text, shown)} - {None}
    if named - {rated}:
        return f"By its ratings the first bad step is {rated}, and the reply names {', '.join(map(str, named))}."
    return ""
