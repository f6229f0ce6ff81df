"""Constitutions: principles by which solutions are compared, or criticized and revised. One file for each version. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.core.errors import DomainError

__all__ = ["CONSTITUTIONS", "ConstitutionText", "Principle", "checked_constitution", "constitution_of"]

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Wording = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]
_PLACE = re.compile(r"at `\$\.(.+?)`")


class Principle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`critique` and `revision` ask for these texts; `question` asks which of two solutions is better by the principle."""

    name: Name
    critique: Wording
    revision: Wording
    question: Wording


class ConstitutionText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a constitution: other principles are another version."""

    name: Name
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    about: Annotated[str, Meta(max_length=2000)] = ""
    principles: Annotated[tuple[Principle, ...], Meta(min_length=1, max_length=100)]


def checked_constitution(values: Mapping[str, Any]) -> ConstitutionText:
    """The constitution of these values. Raises DomainError with the place of what is wrong."""
    try:
        constitution = msgspec.convert(dict(values), ConstitutionText)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        fields = {place.group(1) if place else "constitution": str(error)}
        raise DomainError(f"Invalid constitution: {error}.", fields=fields) from error
    names = [principle.name for principle in constitution.principles]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        problem = f"names must differ, and {doubled[0]} comes more than once"
        raise DomainError(f"Invalid constitution: {problem}.", fields={"principles": problem})
    return constitution


def _read(path: Path) -> ConstitutionText:
    return checked_constitution(tomllib.loads(path.read_text(encoding="utf-8")))


_FILES = sorted(Path(__file__).parent.glob("*.toml"))
CONSTITUTIONS: dict[tuple[str, int], ConstitutionText] = {
    (constitution.name, constitution.version): constitution for constitution in map(_read, _FILES)
}


def constitution_of(name: str, version: int | None = None) -> ConstitutionText:
    """The constitution of this name, by default its newest version. Raises DomainError for one that does not exist."""
    versions = [number for known, number in CONSTITUTIONS if known == name]
    if not versions or version not in {None, *versions}:
        known = ", ".join(f"{known} v{number}" for known, number in sorted(CONSTITUTIONS))
        raise DomainError(f"Unknown constitution {name!r}.", fields={"constitution": f"must be one of {known}"})
    return CONSTITUTIONS[name, max(versions) if version is None else version]
