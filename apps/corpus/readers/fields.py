"""Typed looks into a row. What is not as it should be is told with its path: `label.steps[3].rating`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from apps.corpus.records import RowError
from apps.corpus.streams import named

MISSING: Any = object()
BIGGEST = 2**62


class Fields:
    """An object of the row, and where in the row it stands."""

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

    def text(self, name: str, *, blank: bool = False, most: int | None = None) -> str:
        value = self.row.get(name)
        if isinstance(value, str) and most is not None and len(value) > most:
            raise self.wrong(name, f"a text of at most {most} characters")
        if not isinstance(value, str) or not (blank or value.strip()):
            raise self.wrong(name, "a text" if blank else "a text that is not blank")
        return value

    def maybe_text(self, name: str) -> str | None:
        """A text, or a number as its text; None where there is nothing."""
        value = self.row.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.wrong(name, "a text or null")

    def maybe_bool(self, name: str, *, default: bool | None = None) -> bool | None:
        value = self.row.get(name, default)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(name, "true, false or null")

    def maybe_int(self, name: str, *, least: int = -BIGGEST, most: int = BIGGEST) -> int | None:
        value = self.row.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            bounds = "" if (least, most) == (-BIGGEST, BIGGEST) else f" from {least} to {most}"
            raise self.wrong(name, f"a whole number{bounds}")
        return value

    def maybe_float(self, name: str) -> float | None:
        value = self.row.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number or null")
        try:
            number = float(value)
        except OverflowError:  # JSON has whole numbers of any length.
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(name, "a number of usual size or null")
        return number

    def maybe_rating(self, name: str = "rating") -> int | None:
        value = self.row.get(name)
        if value is None or (value in (-1, 0, 1) and not isinstance(value, bool)):
            return None if value is None else int(value)
        raise self.wrong(name, "a rating of -1, 0, 1 or null")

    def maybe_time(self, name: str) -> datetime | None:
        """An ISO 8601 time; one without a zone is taken for UTC."""
        value = self.row.get(name)
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
        value = self.row.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects in a list; nothing where there is none."""
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

    def unknown(self, *known: str) -> list[str]:
        """The names that are not among these, for `Record.ignored`."""
        return [self.at(name) for name in self.row if name not in known]
