"""Pages by key: page one thousand costs what page one costs, and nothing is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)

BIGGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the addresses of those before and behind them (None at an end)."""

    rows: list[Row]
    previous_url: str | None
    next_url: str | None

    @property
    def is_alone(self) -> bool:
        return self.previous_url is None and self.next_url is None


def page_of(
    queryset: QuerySet[Row], params: QueryDict, *, size: int = 50, newest_first: bool = False, by: str = "pk"
) -> Page[Row]:
    """The page that `?after=ID` or `?before=ID` asks for, in the order of the primary key, or of another unique number.

    `after` and `before` are meant as one reads: further down, or back up.
    """
    after, before = _key(params, "after"), _key(params, "before")
    down = before is None
    key = after if down else before
    rises = down != newest_first
    found = queryset.order_by(by if rises else f"-{by}")
    if key is not None:
        found = found.filter(**{f"{by}__gt" if rises else f"{by}__lt": key})
    rows = list(found[: size + 1])
    goes_on, rows = len(rows) > size, rows[:size]
    if not down:
        rows.reverse()
    has_next, has_previous = (goes_on, key is not None) if down else (True, goes_on)
    return Page(
        rows,
        _url(params, before=getattr(rows[0], by)) if rows and has_previous else None,
        _url(params, after=getattr(rows[-1], by)) if rows and has_next else None,
    )


def _key(params: QueryDict, name: str) -> int | None:
    text = params.get(name, "")
    return int(text) if text.isdecimal() and int(text) <= BIGGEST_ID else None


def _url(params: QueryDict, **change: Any) -> str:
    """The same filters at another place."""
    copied = params.copy()
    for name in ("after", "before"):
        copied.pop(name, None)
    copied.update({name: str(value) for name, value in change.items()})
    return f"?{copied.urlencode()}"
