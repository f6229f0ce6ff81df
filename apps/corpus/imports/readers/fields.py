"""Typed access to the fields of a row. An error names the path of the field: `label.steps[3].rating`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from apps.corpus.imports.files import named
from apps.corpus.records import RowError

BIGGEST = 2**62
# How files write booleans, in lower case; numbers are 1 and 0.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,20})?")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_blank(value: object) -> bool:
    """Whether a value is null, white space, or an empty list or object."""
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | dict) and not value)
    )


def read_bool(value: object) -> bool | None:
    """True and false as files write them, also 1 and 0, "true", "yes"; None for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    return _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None


def plain_list(value: Any) -> Any:
    """A list, also where a cell of a table holds it as JSON; any other value as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] != "[":
        return value
    try:
        return msgspec.json.decode(value, type=list)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return value


def plain_number(value: Any) -> Any:
    """A number, also where a cell of a table holds it as its text; any other value as it is."""
    return msgspec.json.decode(value.strip()) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value


class Fields:
    """An object of the row, and its path in the row."""

    __slots__ = ("_at", "row")

    def __init__(self, row: object, at: str = "") -> None:
        if not isinstance(row, dict):
            raise RowError(at, f"expected an object, found {named(row)}")
        self.row: Mapping[str, Any] = row
        self._at = at

    def at(self, name: str) -> str:
        return f"{self._at}.{name}" if self._at else name

    def wrong(self, name: str, expected: str) -> RowError:
        if name not in self.row:
            return RowError(self.at(name), f"is missing; expected {expected}")
        return RowError(self.at(name), f"expected {expected}, found {named(self.row[name])}")

    def value(self, name: str) -> Any:
        """A single value: a list of one value is that value, an empty list is null."""
        value: Any = self.row.get(name)
        if not isinstance(value, list) or len(value) > 1:
            return value
        return None if not value else value if isinstance(value[0], list | dict) else value[0]

    def holds_text(self, name: str) -> bool:
        return isinstance(self.value(name), str)

    def text(self, name: str, *, blank: bool = False, most: int | None = None) -> str:
        value = self.value(name)
        if isinstance(value, str) and most is not None and len(value) > most:
            raise self.wrong(name, f"a text of at most {most} characters")
        if not isinstance(value, str) or not (blank or value.strip()):
            raise self.wrong(name, "a text" if blank else "a text that is not blank")
        return value

    def maybe_text(self, name: str) -> str | None:
        """A text, or a number as its text; None for null or a missing field."""
        value = self.value(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.wrong(name, "a text or null")

    def maybe_bool(self, name: str, *, default: bool | None = None) -> bool | None:
        value = self.value(name)
        if is_blank(value):
            return default if name not in self.row else None
        flag = read_bool(value)
        if flag is None:
            raise self.wrong(name, "true or false (also 1 or 0, yes or no) or null")
        return flag

    def maybe_int(self, name: str, *, least: int = -BIGGEST, most: int = BIGGEST) -> int | None:
        value = plain_number(self.value(name))
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            bounds = "" if (least, most) == (-BIGGEST, BIGGEST) else f" from {least} to {most}"
            raise self.wrong(name, f"a whole number{bounds}")
        return value

    def maybe_float(self, name: str) -> float | None:
        value = plain_number(self.value(name))
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number or null")
        try:
            number = float(value)
        except OverflowError:  # JSON has whole numbers of any length.
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(name, "a number that a double can hold, or null")
        return number

    def maybe_rating(self, name: str = "rating") -> int | None:
        value = self.value(name)
        if value is None or (value in (-1, 0, 1) and not isinstance(value, bool)):
            return None if value is None else int(value)
        raise self.wrong(name, "a rating of -1, 0, 1 or null")

    def maybe_time(self, name: str) -> datetime | None:
        """An ISO 8601 time; one without a zone is taken for UTC."""
        value = self.value(name)
        if value is None:
            return None
        try:
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise self.wrong(name, "an ISO 8601 time or null") from None

    def object(self, name: str) -> Fields:
        if name not in self.row:
            raise self.wrong(name, "an object")
        return Fields(self.row[name], self.at(name))

    def maybe_object(self, name: str) -> Fields | None:
        return None if self.row.get(name) is None else self.object(name)

    def listed(self, name: str) -> list[Any]:
        value = plain_list(self.row.get(name))
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects in a list; none where the list is null or missing."""
        if self.row.get(name) is None:
            return
        at = self.at(name)
        for index, value in enumerate(self.listed(name)):
            yield Fields(value, f"{at}[{index}]")

    def texts(self, name: str) -> list[str]:
        """A list of texts that are not blank."""
        values = self.listed(name)
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                raise RowError(f"{self.at(name)}[{index}]", f"expected a text that is not blank, found {named(value)}")
        return values

    def unknown(self, *names: str) -> list[str]:
        """The other names in the object, for `Record.ignored`."""
        return [self.at(name) for name in self.row if name not in names]
