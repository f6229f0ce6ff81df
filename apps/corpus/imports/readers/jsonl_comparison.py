"""The part of our canonical row that is about two sides, and what people prefer of them."""

from __future__ import annotations

from collections.abc import Callable

from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.preference import MARGINS
from apps.corpus.records import ComparisonRecord, PreferenceRecord, RowError, SolutionRecord

CHOICES = ("left", "right", "tie")
SolutionOf = Callable[[Fields | None], SolutionRecord | None]


def comparison_of(fields: Fields | None, solution_of: SolutionOf) -> ComparisonRecord | None:
    """`right` may be missing where both steps are of `left`."""
    if fields is None:
        return None
    left = solution_of(fields.object("left"))
    assert left is not None
    right = solution_of(fields.maybe_object("right"))
    left_step = _place(fields.maybe_object("left_step"), left)
    right_step = _place(fields.maybe_object("right_step"), right or left)
    if (left_step is None) != (right_step is None):
        raise fields.wrong("right_step" if right_step is None else "left_step", "a step on either side or on none")
    if left_step == right_step and (right is None or _same(left, right)):
        raise RowError(fields.at("right"), "is the same as left: there is nothing to prefer")
    extras = fields.maybe_object("extras")
    return ComparisonRecord(
        left=left,
        right=right,
        left_step=left_step,
        right_step=right_step,
        external_id=fields.maybe_text("external_id"),
        extras=dict(extras.row) if extras else {},
    )


def _same(left: SolutionRecord, right: SolutionRecord) -> bool:
    """As the digests will find: by the identity where there is one, else by who wrote it and what it says."""
    if left.identity is not None or right.identity is not None:
        return left.identity == right.identity
    return (left.source, list(left.steps)) == (right.source, list(right.steps))


def _place(fields: Fields | None, solution: SolutionRecord) -> tuple[int, int] | None:
    if fields is None:
        return None
    place = (fields.maybe_int("position", least=0), fields.maybe_int("candidate", least=0) or 0)
    if place not in {(step.position, step.candidate) for step in solution.steps}:
        raise fields.wrong("position", "a step of the side's solution")
    return place[0] or 0, place[1]


def preference_of(fields: Fields | None) -> PreferenceRecord | None:
    if fields is None:
        return None
    choice, margin = fields.text("choice"), fields.maybe_text("margin") or ""
    if choice not in CHOICES:
        raise fields.wrong("choice", f"one of {', '.join(CHOICES)}")
    if margin and (margin not in MARGINS or choice == "tie"):
        raise fields.wrong("margin", f"one of {', '.join(MARGINS)}, and none where it is a tie")
    return PreferenceRecord(choice=choice, margin=margin, rationale=fields.maybe_text("rationale") or "")
