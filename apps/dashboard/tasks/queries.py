"""The page of the task table: its rows with names, and the keys of the pages around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from apps.dashboard.access import Place
from apps.dashboard.pagination import Page, page_of
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.models import Task, TaskQuerySet
from apps.quality.review.queues import KINDS as DISPUTES
from apps.quality.task_table.filters import STATES, ordered
from apps.quality.task_table.rows import TaskPart, TaskRow, rows_of, streamed_rows, with_excerpts

SIZE = 30
_KEY = re.compile(r"(-?\d{1,9})\.(\d{1,18})")

PART_WORDS = {
    "assigned": "assigned to",
    "in_work": "in work by",
    "submitted": "submitted by",
    "extra": "submitted late by",
    "skipped": "skipped by",
    "returned": "returned to",
}
HEADER = [
    "Task",
    "Problem",
    "Statement",
    "Round",
    "State",
    "People",
    "Done",
    "Needed",
    "Priority",
    "Consensus",
    "Disputes",
    "Reported",
    "Faster than reading",
    "Last change",
]


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part with the name of its labeler."""

    part: TaskPart
    name: str

    @property
    def words(self) -> str:
        return PART_WORDS[self.part.state]


@dataclass(frozen=True, slots=True)
class ShownTask:
    """A row of the table as its reader sees it."""

    row: TaskRow
    parts: Sequence[ShownPart]

    @property
    def state(self) -> str:
        return STATE_WORDS[self.row.state]

    @property
    def disputes(self) -> list[str]:
        return [_dispute_title(kind) for kind in self.row.disputes]

    @property
    def changed_at(self) -> datetime | None:
        return self.row.changed_at


STATE_WORDS = {
    "waiting": "waiting",
    "assigned": "assigned",
    "in_work": "in work",
    "complete": "complete",
    "returned": "returned",
    "withdrawn": "withdrawn",
}
assert STATE_WORDS.keys() <= STATES.keys()


def _dispute_title(kind: str) -> str:
    found = DISPUTES.get(kind)
    return found.title if found is not None else kind


def page_of_tasks(tasks: TaskQuerySet, params: QueryDict, order: str) -> Page[Task]:
    """A page by key, in any order. The database sorts keys alone: what a row shows is read for the rows of the page."""
    shown = tasks.only("pk", "priority")
    if order != "priority":
        return page_of(shown, params, size=SIZE, newest_first=order != "oldest")
    key = _KEY.fullmatch(params.get("after", ""))
    if key is not None:
        priority, pk = int(key[1]), int(key[2])
        shown = shown.filter(Q(priority__lt=priority) | Q(priority=priority, pk__gt=pk), priority__lte=priority)
    rows = list(ordered(shown, order)[: SIZE + 1])
    more = rows[SIZE - 1] if len(rows) > SIZE else None
    start = _with_key(params, None) if key is not None else None
    return Page(rows[:SIZE], start, None if more is None else _with_key(params, f"{more.priority}.{more.pk}"))


def _with_key(params: QueryDict, key: str | None) -> str:
    query = params.copy()
    query.pop("after", None)
    query.pop("before", None)
    if key is not None:
        query["after"] = key
    return f"?{query.urlencode()}"


def shown_tasks(place: Place, rows: Sequence[TaskRow]) -> list[ShownTask]:
    names = labeler_names(place, {part.labeler for row in rows for part in row.parts})
    return [ShownTask(row, [ShownPart(part, names[part.labeler]) for part in row.parts]) for row in rows]


def shown_page(place: Place, tasks: Sequence[Task]) -> list[ShownTask]:
    by_id = {task.pk: task for task in with_excerpts(Task.objects.filter(pk__in=[task.pk for task in tasks]))}
    return shown_tasks(place, rows_of([by_id[task.pk] for task in tasks if task.pk in by_id]))


def csv_rows(place: Place, tasks: TaskQuerySet) -> Iterator[list[Any]]:
    """All tasks that match, the newest first."""
    yield HEADER
    for chunk in streamed_rows(tasks):
        for shown in shown_tasks(place, chunk):
            row = shown.row
            yield [
                row.task.pk,
                row.problem,
                row.excerpt,
                str(row.task.round),
                shown.state,
                "; ".join(f"{part.words} {part.name}" for part in shown.parts),
                row.done,
                row.needed,
                row.task.priority,
                row.consensus.state if row.consensus else "",
                "; ".join(shown.disputes),
                "yes" if row.is_reported else "",
                "yes" if row.is_fast else "",
                row.changed_at.isoformat() if row.changed_at else "",
            ]
