"""Step-DPO (Lai et al. 2024, arXiv 2406.18629): two next steps after the same beginning, `initial_reason_steps`. Pure.

The beginning ends in the head of the next step, `Step 3:`, which belongs to both answers. Where the row also has the
rest of either solution (`full_chosen`, `full_rejected`), two whole solutions are compared at that step; otherwise one
solution has two candidates there.
"""

from __future__ import annotations

import re

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import ComparisonRecord, RowError, SolutionRecord, StepPlace, StepRecord
from apps.corpus.splitting.steps import has_step_heads, split_steps

SHARED = "initial_reason_steps"
KEYS = (SHARED, "full_chosen", "full_rejected", "answer")
_OPEN_HEAD = re.compile(
    r"(?:^|\n)[ \t]*((?:\*\*|#+[ \t]*)?step[ \t]*\d+[ \t]*[:.]?(?:\*\*)?:?)[ \t\n]*\Z", re.IGNORECASE
)


def looks_like(row: Row) -> bool:
    return isinstance(row.get(SHARED), str) and isinstance(row.get("chosen"), str)


def read_comparison(fields: Fields, options: ReaderOptions) -> ComparisonRecord:
    """The comparison of the two next steps."""
    text = fields.text(SHARED, blank=True)
    open_head = _OPEN_HEAD.search(text)
    shared = _split(text[: open_head.start()] if open_head else text, options)
    head = f"{open_head[1]} " if open_head else ""
    chosen, rejected = (head + fields.text(name).strip() for name in ("chosen", "rejected"))
    if chosen == rejected:
        raise RowError("rejected", "is the same as chosen: there is nothing to prefer")
    rests = [_rest(fields, name, options) for name in ("chosen", "rejected")]
    place = len(shared)
    if any(rests):
        sides = [
            SolutionRecord(steps=_path([*shared, step, *(rest or [])]))
            for step, rest in zip((chosen, rejected), rests, strict=True)
        ]
        return ComparisonRecord(left=sides[0], right=sides[1], left_step=StepPlace(place), right_step=StepPlace(place))
    other = StepRecord(position=place, candidate=1, text=rejected, chosen=False)
    solution = SolutionRecord(steps=[*_path([*shared, chosen]), other])
    return ComparisonRecord(left=solution, left_step=StepPlace(place), right_step=StepPlace(place, 1))


def _path(texts: list[str]) -> list[StepRecord]:
    return [StepRecord(position=place, text=text) for place, text in enumerate(texts)]


def _split(text: str, options: ReaderOptions) -> list[str]:
    method = "numbered" if has_step_heads(text) else options.split
    return split_steps(text, method, options.separator)[0]


def _rest(fields: Fields, name: str, options: ReaderOptions) -> list[str] | None:
    """The steps of the whole side after its next step; None where the row does not have them."""
    if not _is_whole(fields, name):
        return None
    whole, step = fields.maybe_text(f"full_{name}") or "", fields.text(name).strip()
    return _split(whole.strip()[len(step) :], options)


def keys_read(fields: Fields) -> set[str]:
    """The columns that the comparison is made of."""
    sides = [name for name in ("chosen", "rejected") if _is_whole(fields, name)]
    return {SHARED, "chosen", "rejected", *(f"full_{name}" for name in sides)}


def _is_whole(fields: Fields, name: str) -> bool:
    whole, step = fields.maybe_text(f"full_{name}") or "", fields.text(name).strip()
    return whole.strip().startswith(step)
