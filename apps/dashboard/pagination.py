"""Pages by key: any page costs as much as the first, and no rows are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from apps.core.http.ids import parse_id

Row = TypeVar("Row", bound=Model)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the URLs of the pages before and after them (None at an end)."""

    rows: list[Row]
    previous_url: str | None
    next_url: str | None


def page_of(
    queryset: QuerySet[Row],
    params: QueryDict,
    *,
    size: int = 50,
    newest_first: bool = False,
    by: str = "pk",
    at: str | None = None,
) -> Page[Row]:
    """The page that `?after=KEY` or `?before=KEY` names, ordered by the primary key or another unique number `by`.

    `after` and `before` mean further down and further up the page. With `at`, a time that every row has, rows are
    ordered by that time and then by their number, and a key is `MICROSECONDS.NUMBER`.
    """
    names = (by,) if at is None else (at, by)
    after, before = _read_key(params, "after", names), _read_key(params, "before", names)
    is_forward = before is None
    key = after if is_forward else before
    is_ascending = is_forward != newest_first
    ordered = queryset.order_by(*(name if is_ascending else f"-{name}" for name in names))
    if key is not None:
        ordered = ordered.filter(_beyond(names, key, "gt" if is_ascending else "lt"))
    rows = list(ordered[: size + 1])
    has_more, rows = len(rows) > size, rows[:size]
    if not is_forward:
        rows.reverse()
    has_next, has_previous = (has_more, key is not None) if is_forward else (True, has_more)
    return Page(
        rows,
        _url(params, before=_write_key(rows[0], names)) if rows and has_previous else None,
        _url(params, after=_write_key(rows[-1], names)) if rows and has_next else None,
    )


def _read_key(params: QueryDict, name: str, names: Sequence[str]) -> list[Any] | None:
    """The values of these columns in the URL's parameter; None if it is missing or malformed."""
    numbers = [parse_id(part) for part in params.get(name, "").split(".")]
    if len(numbers) != len(names) or None in numbers:
        return None
    *ticks, number = [number for number in numbers if number is not None]
    try:
        return [*(_EPOCH + tick * _TICK for tick in ticks), number]
    except OverflowError:
        return None


def _write_key(row: Model, names: Sequence[str]) -> str:
    *moments, number = (getattr(row, name) for name in names)
    return ".".join(str(part) for part in (*((moment - _EPOCH) // _TICK for moment in moments), number))


def _beyond(names: Sequence[str], key: Sequence[Any], lookup: str) -> Q:
    """The rows beyond the key. The first column also has a bound of its own, so that an index on it is used."""
    if len(names) == 1:
        return Q(**{f"{names[0]}__{lookup}": key[0]})
    (at, by), (moment, number) = names, key
    return Q(**{f"{at}__{lookup}e": moment}) & (Q(**{f"{at}__{lookup}": moment}) | Q(**{f"{by}__{lookup}": number}))


def _url(params: QueryDict, **key: str) -> str:
    """The same filters on another page."""
    query = params.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    query.update(key)
    return f"?{query.urlencode()}"
