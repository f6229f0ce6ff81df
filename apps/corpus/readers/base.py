"""What a reader is, and what can be set when one is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from apps.corpus.records import Record, RowError
from apps.corpus.splitting import SPLITTERS

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """`mapping` gives the column for each of our fields (`{"problem.statement": "question"}`).

    `split` and `separator` say how a solution that comes as one text becomes steps. `margins` is the scale of
    the margins in a file of preferences: Llama 2's `large` (3, 2, 1, 0) or `small` (1, 2/3, 1/3, 0).
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    split: str = "newline"
    separator: str | None = None
    margins: str = "large"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ReaderOptions:
        """Raises RowError that names the option."""
        unknown = sorted(set(given) - {"mapping", "split", "separator", "margins"})
        if unknown:
            raise RowError(unknown[0], "there is no such option; there are mapping, split, separator and margins")
        options = cls(**given)
        if options.split not in SPLITTERS:
            raise RowError("split", f"one of {', '.join(SPLITTERS)}")
        if options.split == "separator" and not options.separator:
            raise RowError("separator", "name the separator to split at")
        if options.margins not in ("large", "small"):
            raise RowError("margins", "large or small")
        if not isinstance(options.mapping, dict) or not all(isinstance(one, str) for one in options.mapping.values()):
            raise RowError("mapping", "an object from our field to the file's column")
        return options

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Reader(Protocol):
    """Turns the rows of one format into records."""

    name: str
    title: str
    about: str

    def looks_like(self, row: Row) -> bool:
        """Whether a row is probably of this format, by its keys."""

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        """The records of a row: one, or one for each solution in it. Raises RowError, nothing else."""
