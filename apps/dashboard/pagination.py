"""Pages by key: page one thousand costs what page one costs, and nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)

BIGGEST_ID = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


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
    queryset: QuerySet[Row],
    params: QueryDict,
    *,
    size: int = 50,
    newest_first: bool = False,
    by: str = "pk",
    at: str | None = None,
) -> Page[Row]:
    """The page that `?after=ID` or `?before=ID` asks for, in the order of the primary key, or of another unique number.

    `after` and `before` are meant as one reads: further down, or back up. With `at`, a moment that every row has, rows
    come in its order, those of one moment by their number, and a key is `MICROSECONDS.ID`.
    """
    names = (by,) if at is None else (at, by)
    after, before = _key(params, "after", names), _key(params, "before", names)
    down = before is None
    key = after if down else before
    rises = down != newest_first
    found = queryset.order_by(*(name if rises else f"-{name}" for name in names))
    if key is not None:
        found = found.filter(_beyond(names, key, "gt" if rises else "lt"))
    rows = list(found[: size + 1])
    goes_on, rows = len(rows) > size, rows[:size]
    if not down:
        rows.reverse()
    has_next, has_previous = (goes_on, key is not None) if down else (True, goes_on)
    return Page(
        rows,
        _url(params, before=_mark(rows[0], names)) if rows and has_previous else None,
        _url(params, after=_mark(rows[-1], names)) if rows and has_next else None,
    )


def _key(params: QueryDict, name: str, names: Sequence[str]) -> list[Any] | None:
    """The values of these columns that the address holds, None where it holds none."""
    parts = params.get(name, "").split(".")
    if len(parts) != len(names) or not all(
        one.isdecimal() and len(one) < 20 and int(one) <= BIGGEST_ID for one in parts
    ):
        return None
    *ticks, number = map(int, parts)
    try:
        return [*(_EPOCH + one * _TICK for one in ticks), number]
    except OverflowError:
        return None


def _mark(row: Model, names: Sequence[str]) -> str:
    *moments, number = (getattr(row, name) for name in names)
    return ".".join(str(one) for one in (*((moment - _EPOCH) // _TICK for moment in moments), number))


def _beyond(names: Sequence[str], key: Sequence[Any], way: str) -> Q:
    """Rows further on than the key. The first column is bounded by itself, too, so that an index on it is of use."""
    if len(names) == 1:
        return Q(**{f"{names[0]}__{way}": key[0]})
    (at, by), (moment, number) = names, key
    return Q(**{f"{at}__{way}e": moment}) & (Q(**{f"{at}__{way}": moment}) | Q(**{f"{by}__{way}": number}))


def _url(params: QueryDict, **change: Any) -> str:
    """The same filters at another place."""
    copied = params.copy()
    for name in ("after", "before"):
        copied.pop(name, None)
    copied.update({name: str(value) for name, value in change.items()})
    return f"?{copied.urlencode()}"
