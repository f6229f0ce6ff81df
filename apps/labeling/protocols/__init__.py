"""The protocols that can be worked on here: one file and one line each.

A protocol says what a finished task looks like. It is pure: submission and what was asked in, complaint out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.labeling.protocols.base import Asked, Options, Protocol
from apps.labeling.protocols.branching import Branching
from apps.labeling.protocols.comparison import Comparison
from apps.labeling.protocols.every_step import EveryStep
from apps.labeling.protocols.first_error import FirstError

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol for protocol in (FirstError(), EveryStep(), Branching(), Comparison())
}


def options_of(name: str, given: Mapping[str, Any]) -> Options:
    """The protocol's settings, defaults filled in. Raises DomainError that names the setting."""
    try:
        return msgspec.convert(dict(given), PROTOCOLS[name].options)
    except msgspec.ValidationError as error:
        raise DomainError(
            f"The protocol {name} does not take this: {error}.", fields={"options": str(error)}
        ) from error


def options_for_labelers(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that shape a labeler's work, without those that say how its tasks were chosen."""
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        return {}
    return {key: value for key, value in given.items() if key in protocol.options.FOR_LABELERS}


__all__ = ["PROTOCOLS", "Asked", "Options", "Protocol", "options_for_labelers", "options_of"]
