"""Converts a decoded row to structs; an error names the field, what it may hold, and what it holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from apps.corpus.canonical_row import plain_type
from apps.corpus.imports.files import named
from apps.corpus.imports.readers.fields import is_blank, plain_number, read_bool
from apps.corpus.records import RowError

Struct = TypeVar("Struct", bound=msgspec.Struct)

# As msgspec ends its errors: "Expected `int` >= 0 - at `$.solution.steps[1].position`".
_ERROR = re.compile(r"(?P<reason>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def convert_fields(row: object, struct: type[Struct]) -> Struct:
    """The row as the struct, whose types decide: keys that it does not know are passed over.

    Values that files write in another way are read as they are meant: `"yes"`, 1.0 or `"1"` for 1, a number for a text, a list
    of one value for the value, null for the default. Raises RowError with the path of the first field that does not fit.
    """
    try:
        return msgspec.convert(row, struct)
    except (msgspec.ValidationError, UnicodeEncodeError):
        type_, normalize = _normalizer_of(struct)
    try:
        return msgspec.convert(normalize(row), struct)
    except UnicodeEncodeError:
        raise RowError("", "holds half of a surrogate pair, which is not a character") from None
    except msgspec.ValidationError as error:
        raise _row_error(str(error), row, type_) from None


# --- values as files write them ---------------------------------------------------------------------------

Normalize = Callable[[Any], Any]


@cache
def _normalizer_of(struct: type[msgspec.Struct]) -> tuple[inspect.Type, Normalize]:
    """The fields of a struct, which msgspec takes milliseconds to list, and the function that normalizes their values."""
    type_ = inspect.type_info(struct)
    return type_, _normalizer(type_)


def _normalizer(type_: inspect.Type) -> Normalize:
    type_ = plain_type(type_)
    if isinstance(type_, inspect.StructType):
        return object_normalizer(type_)
    if isinstance(type_, inspect.ListType):
        normalize = _normalizer(type_.item_type)
        return lambda value: [normalize(item) for item in value] if isinstance(value, list | tuple) else value
    if isinstance(type_, inspect.StrType) and type_.pattern is not None:
        return normalized_choice
    return _NORMALIZERS.get(type(type_), lambda value: value)


def object_normalizer(struct: inspect.StructType) -> Normalize:
    fields = [
        (
            field.encode_name,
            _normalizer(field.type),
            field.required or (isinstance(field.type, inspect.UnionType) and field.type.includes_none),
        )
        for field in struct.fields
    ]

    def normalize(row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        values: dict[str, Any] = {}
        for name, normalize_value, keeps_null in fields:
            value = row.get(name)
            if value is not None:
                value = normalize_value(value)
            if value is not None or (keeps_null and name in row):
                values[name] = value
        return values

    return normalize


def _only_value(value: Any) -> Any:
    """A list of one value is that value, an empty list is null."""
    if isinstance(value, list) and len(value) < 2:
        return value[0] if value and not isinstance(value[0], list | dict) else value or None
    return value


def normalized_text(value: Any) -> Any:
    """A number is its text."""
    value = value if isinstance(value, str) else _only_value(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def normalized_choice(value: Any) -> Any:
    """Where only some texts are allowed, a blank one is null and a number is not a text."""
    value = value if isinstance(value, str) else _only_value(value)
    return None if isinstance(value, str) and not value.strip() else value


def normalized_bool(value: Any) -> Any:
    value = _only_value(value)
    if is_blank(value):
        return None
    flag = read_bool(value)
    return value if flag is None else flag


def normalized_int(value: Any) -> Any:
    value = plain_number(_only_value(value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def normalized_float(value: Any) -> Any:
    return plain_number(_only_value(value))


def normalized_time(value: Any) -> Any:
    value = _only_value(value)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


_NORMALIZERS: dict[type[inspect.Type], Normalize] = {
    inspect.StrType: normalized_text,
    inspect.BoolType: normalized_bool,
    inspect.IntType: normalized_int,
    inspect.FloatType: normalized_float,
    inspect.DateTimeType: normalized_time,
}


# --- errors -----------------------------------------------------------------------------------------------


def _row_error(message: str, row: Any, type_: inspect.Type) -> RowError:
    """msgspec's message with the value that the row has, and the range that the types declare."""
    match = _ERROR.match(message)
    assert match is not None
    path, value = match["path"] or "", row
    for name, index in _STEP.findall(path):
        value = value[name] if name else value[int(index)]
        type_ = _inner_type(type_, name)
    missing = _MISSING.match(match["reason"])
    if missing is None:
        return RowError(path.removeprefix("."), f"expected {_described(type_)}, found {named(value)}")
    expected = _described(_inner_type(type_, missing[1]))
    return RowError(f"{path}.{missing[1]}".removeprefix("."), f"is missing; expected {expected}")


def _inner_type(type_: inspect.Type, name: str) -> inspect.Type:
    type_ = plain_type(type_)
    if isinstance(type_, inspect.StructType):
        return next(field.type for field in type_.fields if field.encode_name == name)
    assert isinstance(type_, inspect.ListType)
    return type_.item_type


def _described(type_: inspect.Type) -> str:
    if isinstance(type_, inspect.UnionType):
        return f"{_described(next(kind for kind in type_.types if not isinstance(kind, inspect.NoneType)))} or null"
    if isinstance(type_, inspect.Metadata):
        return str((type_.extra_json_schema or {}).get("description") or _described(type_.type))
    description = _DESCRIPTIONS.get(type(type_), "an object")
    if isinstance(type_, inspect.IntType | inspect.FloatType) and type_.ge is not None:
        return f"{description} from {type_.ge} to {type_.le}"
    return (
        f"{description} that is not empty" if isinstance(type_, inspect.ListType) and type_.min_length else description
    )


_DESCRIPTIONS: dict[type[inspect.Type], str] = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false (also 1 or 0, yes or no)",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.DateTimeType: "an ISO 8601 time",
    inspect.ListType: "a list",
}
