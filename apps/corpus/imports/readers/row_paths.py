"""Paths into a row, by which a mapping names what it reads: `question`, `meta.answer`, `messages[-1].content`. Pure.

    path  = name { "." name | "[" place "]" }
    name  = characters other than . [ ], or a JSON text in brackets: ["pass@1 [%]"]
    place = number (from 0; from the end where it is negative) | "*" | "each" | JSON text

`[*]` is the list of what all items have. `[each]` is one item, for each of which there is a solution of its own: all
such paths of a mapping go through lists of one length. A column whose whole name is the path comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.fields import is_blank
from apps.corpus.records import RowError

LONGEST_PATH, MOST_PARTS = 500, 20
ALL, EACH = "*", "each"

_PART = re.compile(
    r"""(?P<dot>\.)?(?P<name>[^.\[\]]+)
    | \[ (?: (?P<number>-?\d{1,9}) | (?P<mark>\*|each) | (?P<text>"(?:[^"\\]|\\.)*") ) \]""",
    re.VERBOSE,
)


class Missing:
    """The value of a path that the row does not have."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Mark:
    """`[*]` or `[each]`."""

    sign: str


Part = str | int | Mark


@cache
def parsed_path(path: str) -> tuple[Part, ...]:
    """The names, places and marks of a path. Raises RowError, field `mapping`, which says where it is wrong."""
    if len(path) > LONGEST_PATH:
        raise RowError("mapping", f"a path has at most {LONGEST_PATH} characters, this one has {len(path):,}")
    parts: list[Part] = []
    place = 0
    while place < len(path):
        match = _PART.match(path, place)
        if match is None or (match["name"] is not None and bool(match["dot"]) != bool(parts)):
            raise RowError(
                "mapping", f"the path {path!r} cannot be read from {path[place : place + 20]!r} on; {_GRAMMAR}"
            )
        parts.append(_part(match, path))
        place = match.end()
    if not parts or not isinstance(parts[0], str):
        raise RowError("mapping", f"the path {path!r} does not begin with the name of a column; {_GRAMMAR}")
    if len(parts) > MOST_PARTS:
        raise RowError("mapping", f"the path {path[:60]!r} has {len(parts)} parts; the limit is {MOST_PARTS}")
    if sum(part == Mark(EACH) for part in parts) > 1:
        raise RowError("mapping", f"the path {path!r} has [each] twice: one list holds the solutions")
    return tuple(parts)


_GRAMMAR = 'a path is like meta.answer, messages[-1].content, steps[*].text, solutions[each].text or ["a.b"].c'


def _part(match: re.Match[str], path: str) -> Part:
    if match["name"] is not None:
        return match["name"]
    if match["number"] is not None:
        return int(match["number"])
    if match["mark"] is not None:
        return Mark(match["mark"])
    try:
        return msgspec.json.decode(match["text"], type=str)
    except msgspec.DecodeError:
        raise RowError("mapping", f"the path {path!r} has the name {match['text']}, which is not a JSON text") from None


def parts_in(row: Mapping[str, Any], path: str) -> tuple[Part, ...]:
    return (path,) if path in row else parsed_path(path)


def has_each(path: str) -> bool:
    return Mark(EACH) in parsed_path(path)


# --- values -----------------------------------------------------------------------------------------------


def value_at(row: Mapping[str, Any], path: str, *, item: int | None = None) -> Any:
    """The value at a path, MISSING where the row has none; `item` is the place that `[each]` stands for.

    Raises RowError where the row has something else than the list or the object that the path goes through.
    """
    return _value(row, parts_in(row, path), item, "")


def _value(value: Any, parts: tuple[Part, ...], item: int | None, above: str) -> Any:
    for place, part in enumerate(parts):
        if value is None:
            return MISSING
        if isinstance(part, str):
            if not isinstance(value, dict):
                return MISSING
            if part not in value:
                return MISSING
            value, above = value[part], f"{above}.{part}" if above else part
            continue
        if not isinstance(value, list):
            raise RowError(above, f"expected a list, found {named(value)}")
        if part == Mark(ALL):
            return _values(value, parts[place + 1 :], item, above)
        index = item if isinstance(part, Mark) else part
        if index is None or not -len(value) <= index < len(value):
            return MISSING
        value, above = value[index], f"{above}[{index}]"
    return value


def _values(values: list[Any], parts: tuple[Part, ...], item: int | None, above: str) -> Any:
    """What every item has; an item without it holds null, so that the places stay. MISSING where none has it."""
    inner = [_value(value, parts, item, f"{above}[{place}]") for place, value in enumerate(values)]
    if values and all(value is MISSING for value in inner):
        return MISSING
    return [None if value is MISSING else value for value in inner]


def item_count(row: Mapping[str, Any], paths: Sequence[str]) -> int:
    """How many items the lists at `[each]` have; 0 where the row has none. Raises RowError where they differ."""
    counts: dict[str, int] = {}
    for path in paths:
        parts = parts_in(row, path)
        if Mark(EACH) not in parts:
            continue
        place = parts.index(Mark(EACH))
        values = _value(row, parts[:place], None, "")
        if values is MISSING or values is None:
            continue
        if not isinstance(values, list):
            raise RowError(path, f"expected a list before [each], found {named(values)}")
        counts[path] = len(values)
    if len(set(counts.values())) > 1:
        (first, count), (other, other_count) = next(
            (pair, other) for pair in counts.items() for other in counts.items() if pair[1] != other[1]
        )
        raise RowError(other, f"goes through {other_count} items, and {first} through {count}: which belong together?")
    return next(iter(counts.values()), 0)


# --- what no path reads -----------------------------------------------------------------------------------


def unread_parts(row: Mapping[str, Any], paths: Sequence[str]) -> list[str]:
    """The parts of a row that hold something and that no path reads, with `[]` for any place: `messages[].role`."""
    return list(dict.fromkeys(_unread(row, [parts_in(row, path) for path in paths], "")))


def _unread(value: Any, paths: Sequence[tuple[Part, ...]], above: str) -> Iterator[str]:
    if is_blank(value) or () in paths:
        return
    if paths and isinstance(value, dict):
        for name, inner in value.items():
            below = [path[1:] for path in paths if path[0] == name]
            yield from _unread(inner, below, f"{above}.{name}" if above else name)
    elif paths and isinstance(value, list):
        for place, inner in enumerate(value):
            below = [path[1:] for path in paths if isinstance(path[0], Mark) or path[0] in (place, place - len(value))]
            yield from _unread(inner, below, f"{above}[]")
    else:
        yield above
