"""Bounds, defaults and descriptions that a msgspec struct declares, for checks, forms and serializers."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

# Meta's attribute names, and what Django's and REST framework's fields call them.
_FIELD_ARGUMENTS = {"ge": "min_value", "le": "max_value", "max_length": "max_length"}


def limits_of(struct: type[Struct], name: str) -> dict[str, Any]:
    """`min_value`, `max_value` and `max_length` of a field, as arguments of a form or serializer field.

    For a sequence they are the limits of its items.
    """
    found: dict[str, Any] = {}
    for meta in _metas(_hints(struct)[name]):
        for attribute, argument in _FIELD_ARGUMENTS.items():
            if (value := getattr(meta, attribute)) is not None:
                found[argument] = value
    return found


def default_of(struct: type[Struct], name: str) -> Any:
    """The default of an optional field."""
    field = next(field for field in msgspec.structs.fields(struct) if field.name == name)
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def description_of(struct: type[Struct], name: str) -> str:
    return next((meta.description for meta in _metas(_hints(struct)[name]) if meta.description), "")


def limit_errors(values: Struct) -> dict[str, str]:
    """For each field whose value is outside its limits, the limits as text."""
    struct = type(values)
    errors: dict[str, str] = {}
    for name in struct.__struct_fields__:
        limits = limits_of(struct, name)
        if limits:
            try:
                msgspec.convert(getattr(values, name), _hints(struct)[name])
            except msgspec.ValidationError:
                errors[name] = _limits_text(limits)
    return errors


def _limits_text(limits: dict[str, Any]) -> str:
    if "max_length" in limits:
        return f"must have at most {limits['max_length']} characters"
    return f"must be between {limits['min_value']} and {limits['max_value']}"


@cache
def _hints(struct: type[Struct]) -> dict[str, Any]:
    return get_type_hints(struct, include_extras=True)


def _metas(hint: Any) -> Iterator[Meta]:
    """The Meta annotations of a type, its optional parts and its items."""
    if get_origin(hint) is Annotated:
        inner, *metas = get_args(hint)
        yield from (meta for meta in metas if isinstance(meta, Meta))
        yield from _metas(inner)
    elif get_origin(hint) in (Union, types.UnionType, tuple):
        for part in get_args(hint):
            yield from _metas(part)
