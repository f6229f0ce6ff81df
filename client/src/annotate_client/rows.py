"""Lists of the API as iterators, and rows from and to `datasets` and pandas where they are installed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

if TYPE_CHECKING:
    import datasets
    import pandas as pd

Row = dict[str, Any]
R = TypeVar("R")


class Correction(TypedDict):
    rating: int | None
    unsure: bool


class StepLabel(TypedDict):
    """A rating that a labeler submitted: 1 great, 0 okay, -1 bad, None without one."""

    id: int
    solution: int
    step: int
    position: int
    candidate: int
    rating: int | None
    unsure: bool | None
    chosen: bool
    comment: str
    labeler: str
    corrected_by: str | None
    correction: Correction | None
    round: int
    assignment: int
    not_counted: str
    finish_reason: str
    submitted_at: str | None


class Rows(Generic[R]):
    """The rows of a list, page by page, each time that it is iterated over."""

    def __init__(self, pages: Callable[[], Iterator[Any]]) -> None:
        self._pages = pages

    def __iter__(self) -> Iterator[R]:
        return self._pages()

    def to_pandas(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(list(self))

    def to_dataset(self) -> datasets.Dataset:
        import datasets

        return datasets.Dataset.from_list([dict(row) for row in self._pages()])


def write_lines(rows: Iterable[Mapping[str, Any]] | pd.DataFrame | datasets.Dataset, file: IO[bytes]) -> None:
    """One line of JSON for each row. A DataFrame's NaN, which marks a missing value there, becomes null."""
    for row in _dicts(rows):
        file.write(json.dumps(row, ensure_ascii=False, default=_plain, allow_nan=False).encode() + b"\n")


def _dicts(rows: Any) -> Iterator[Any]:
    if type(rows).__module__.partition(".")[0] == "pandas":
        for row in rows.to_dict("records"):
            yield {name: None if _is_missing(value) else value for name, value in row.items()}
        return
    yield from rows


def _is_missing(value: Any) -> bool:
    """NaN, and pandas' NA and NaT, which are not equal to themselves."""
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def _plain(value: Any) -> Any:
    """What json does not know: dates, and the numbers and arrays of numpy."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"A row holds a {type(value).__name__}, which JSON cannot: {value!r}")
