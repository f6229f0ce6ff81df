"""The columns of a file as `datasets` declares them in a dataset card, so that no type is guessed. Pure."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

Feature = dict[str, Any]

_NAMES = {pa.float64(): "float64", pa.float32(): "float32"}


def features_of(schema: pa.Schema) -> list[Feature]:
    """The list under `dataset_info.features` in the card's front matter."""
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def _feature(type_: pa.DataType) -> Feature:
    if pa.types.is_struct(type_):
        return {"struct": _fields(type_)}
    if not pa.types.is_list(type_):
        return {"dtype": _NAMES.get(type_, str(type_))}
    # Short forms, as `datasets` writes them: a list of plain values by their name, one of structs by their fields.
    item = _feature(type_.value_type)
    return {"list": item.get("dtype") or item.get("struct") or item}


def _fields(type_: pa.DataType) -> list[Feature]:
    return [{"name": field.name, **_feature(field.type)} for field in type_]
