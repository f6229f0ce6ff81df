"""Annotate's own row (docs/export-formats.md), declared by the structs of `records`: its keys, reading and writing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from apps.corpus.records import (
    ComparisonRecord,
    ConsensusRating,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    ProblemRecord,
    RowError,
    ScoreRecord,
    SolutionRecord,
)

Rating = TypeVar("Rating")
Keys = dict[str, Any]


class RatedSteps(msgspec.Struct, Generic[Rating], frozen=True, gc=False):
    """Ratings of steps, under the key `steps`."""

    steps: Sequence[Rating] = ()


class CanonicalRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The row. `consensus` and `first_error` follow from the rest: an import computes them again."""

    problem: ProblemRecord
    solution: SolutionRecord | None = None
    comparison: ComparisonRecord | None = None
    people: Sequence[PersonRecord] = ()
    gold: RatedSteps[GoldRating] | None = None
    consensus: RatedSteps[ConsensusRating] | None = None
    monte_carlo: Sequence[EstimateRecord] = ()
    judges: Sequence[JudgeRecord] = ()
    scores: Sequence[ScoreRecord] = ()
    first_error: int | None = None


COMPUTED = ("consensus", "first_error")


def row_of(row: CanonicalRow) -> dict[str, Any]:
    """The row as JSON has it, with the same keys in every row. Extras are JSON as one text: their keys differ."""
    values: dict[str, Any] = msgspec.to_builtins(row, builtin_types=(datetime,))
    comparison = values["comparison"] or {}
    for part in (values["problem"], values["solution"], comparison, comparison.get("left"), comparison.get("right")):
        if part:
            part["extras"] = _extras_text(part["extras"])
    for person in values["people"]:
        del person["_redundancy"]
        if person["submitted_at"] is not None:
            # With a fraction, since loaders take a column of times in whole seconds for no text.
            person["submitted_at"] = person["submitted_at"].isoformat(timespec="microseconds")
        person["extras"] = _extras_text(person["extras"])
    return values


def _extras_text(extras: Mapping[str, Any]) -> str | None:
    return msgspec.json.encode(extras).decode() if extras else None


def extras_of(value: Any, path: str) -> Any:
    """Extras as an object, which a row may hold as JSON in one text. Raises RowError for another text."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise RowError(path, "expected a JSON object, or its text") from None


# --- the keys that an import reads ------------------------------------------------------------------------

ANYTHING: Keys = {}


def row_fields(struct: inspect.StructType) -> Iterator[inspect.Field]:
    """The fields of a struct that are in the row."""
    return (field for field in struct.fields if not field.encode_name.startswith("_"))


def plain_type(type_: inspect.Type) -> inspect.Type:
    """The type without its metadata, and without null as an alternative."""
    if isinstance(type_, inspect.Metadata):
        return plain_type(type_.type)
    if isinstance(type_, inspect.UnionType):
        return plain_type(next(member for member in type_.types if not isinstance(member, inspect.NoneType)))
    return type_


def _keys_of(type_: inspect.Type) -> Any:
    """None for a value, the keys of an object, a list of the keys of its objects, ANYTHING for what is kept as it is."""
    type_ = plain_type(type_)
    if isinstance(type_, inspect.StructType):
        return {field.encode_name: _keys_of(field.type) for field in row_fields(type_)}
    if isinstance(type_, inspect.ListType):
        return [_keys_of(type_.item_type)]
    return ANYTHING if isinstance(type_, inspect.DictType) else None


def _read_keys() -> Keys:
    """A solution may also come as one text, and ratings in the ways that benchmarks have."""
    keys: Keys = _keys_of(inspect.type_info(CanonicalRow))
    del keys["consensus"]
    for solution in (keys["solution"], keys["comparison"]["left"], keys["comparison"]["right"]):
        solution["text"] = None
    return keys | {"error_steps": None, "labels": None, "step_scores": None}


KEYS = _read_keys()


def check_targets(targets: Collection[str]) -> None:
    """Raises RowError for a target that is not a field of the row, or that is a part of another target."""
    for target in targets:
        if not _is_known(target.split("."), KEYS):
            raise RowError(
                "mapping", f"there is no field {target!r} to map to; there are {', '.join(_paths(KEYS, ''))}"
            )
        part = next((other for other in targets if other.startswith(f"{target}.")), None)
        if part is not None:
            raise RowError("mapping", f"{part!r} is a part of {target!r}: map one of them")


def _is_known(names: list[str], keys: Any) -> bool:
    if not names or keys is ANYTHING:
        return all(names)
    return isinstance(keys, dict) and names[0] in keys and _is_known(names[1:], keys[names[0]])


def _paths(keys: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, inner in keys.items():
        if isinstance(inner, dict) and inner:
            yield from _paths(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}"
