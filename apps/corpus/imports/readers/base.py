"""The protocol of readers, and the options of an import."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from apps.corpus.imports.readers.fields import Fields, is_blank
from apps.corpus.imports.readers.meanings import check_meanings
from apps.corpus.imports.readers.row_paths import MISSING, has_each, parsed_path, parts_in, unread_parts, value_at
from apps.corpus.records import Record, RowError
from apps.corpus.splitting.steps import SPLITTERS

if TYPE_CHECKING:
    from apps.corpus.imports.readers.tools.answers import Answer

Row = Mapping[str, Any]

LABEL_SCALES = ("binary", "ternary")


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """`mapping` names the path in the row for each of our fields (`{"problem.statement": "question"}`): see `row_paths`.

    `split` and `separator` say how a solution that comes as one text becomes steps. `margins` is the scale of
    the margins in a file of preferences: Llama 2's `large` (3, 2, 1, 0) or `small` (1, 2/3, 1/3, 0). `label_scale`
    says what a 0 among mapped `labels` is: bad (`binary`: 1, 0) or okay (`ternary`: 1, 0, -1). `meanings` says what the
    choices of a labeling tool are (`{"Partly": "okay"}`).
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    split: str = "newline"
    separator: str | None = None
    margins: str = "large"
    label_scale: str | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReaderOptions:
        """Raises RowError that names the option."""
        names = [option.name for option in fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise RowError(unknown[0], f"is not an option; the options are {', '.join(names)}")
        options = cls(**values)
        for name, choices in (("split", tuple(SPLITTERS)), ("margins", ("large", "small"))):
            if getattr(options, name) not in choices:
                raise RowError(name, f"expected one of {', '.join(choices)}")
        if options.label_scale not in (None, *LABEL_SCALES):
            raise RowError("label_scale", f"expected one of {', '.join(LABEL_SCALES)}")
        if not isinstance(options.separator, str | None):
            raise RowError("separator", "expected a text")
        if options.split == "separator" and not options.separator:
            raise RowError("separator", "is required with the split `separator`")
        mapping = options.mapping
        if not isinstance(mapping, dict) or not all(isinstance(column, str) and column for column in mapping.values()):
            raise RowError("mapping", "expected an object that maps our fields to paths in the file's rows")
        check_meanings(options.meanings)
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


@runtime_checkable
class MappingReader(Reader, Protocol):
    """A reader that accepts a mapping from its own fields to paths in a row."""

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        """Raises RowError for a target that is not read, and for a path that is none."""


@runtime_checkable
class ToolReader(MappingReader, Protocol):
    """A reader of a labeling tool's export, whose questions a mapping names."""

    def material(self, rows: Sequence[Row]) -> str:
        """The path of the object with the data that people saw; empty where it is the row itself."""

    def without_answers(self, row: Row) -> Row:
        """The part of the row that paths lead into."""

    def answers(self, row: Row) -> Iterator[Answer]:
        """Everything that people and models answered. Raises RowError."""


def options_for(reader: Reader, values: Mapping[str, Any]) -> ReaderOptions:
    """The options for this reader. Raises RowError that names the option, also for a mapping to an unknown field."""
    options = ReaderOptions.from_dict(values)
    if options.meanings and not isinstance(reader, ToolReader):
        raise RowError("meanings", f"the format {reader.name} has no choices of a labeling tool")
    if options.mapping:
        if not isinstance(reader, MappingReader):
            raise RowError(
                "mapping", f"the format {reader.name} does not accept a mapping; `jsonl` reads any row by a mapping"
            )
        reader.check_mapping(options.mapping)
    return options


def check_flat_mapping(mapping: Mapping[str, str], fields: Collection[str]) -> None:
    """Raises RowError for a target that is none of the fields, and for a path that is none or has `[each]`."""
    unknown = next((target for target in mapping if target not in fields), None)
    if unknown is not None:
        raise RowError("mapping", f"there is no field {unknown!r} to map to; there are {', '.join(fields)}")
    for path in mapping.values():
        parsed_path(path)
        if has_each(path):
            raise RowError("mapping", f"{path!r} has [each], which the format `jsonl` alone reads")


def missing_note(column: str, target: str) -> str:
    """The note for a mapped column that a row lacks: a column that no row has is probably a typing error."""
    return f"{column} (missing; mapped to {target})"


def renamed(row: Row, mapping: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The row with the mapped values under our names, and a note for each path that it lacks or part that is not read."""
    if not mapping:
        return dict(row), []
    read = {parts_in(row, path)[0] for path in mapping.values()}
    columns = {name: value for name, value in row.items() if name not in read and name not in mapping}
    notes: list[str] = []
    for target, path in mapping.items():
        value = value_at(row, path)
        if value is MISSING:
            notes.append(missing_note(path, target))
        else:
            columns[target] = value
    parts_of_read = {name: row[name] for name in row if name in read}
    return columns, [*notes, *unread_parts(parts_of_read, list(mapping.values()))]


def unread(fields: Fields, read: Collection[str]) -> list[str]:
    """The names in the row that hold something and are not read, for `Record.ignored`."""
    return [fields.at(name) for name, value in fields.row.items() if name not in read and not is_blank(value)]
