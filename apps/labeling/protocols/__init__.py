"""The registry of labeling protocols: one file and one line each.

A protocol decides whether a submission is finished. It is pure: it takes a submission and the context of its task, and
raises an error that names the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.labeling.protocols.base import LabelingProtocol, Options, TaskContext
from apps.labeling.protocols.branching import Branching
from apps.labeling.protocols.comparison import Comparison
from apps.labeling.protocols.every_step import EveryStep
from apps.labeling.protocols.first_error import FirstError

PROTOCOLS: dict[str, LabelingProtocol] = {
    protocol.name: protocol for protocol in (FirstError(), EveryStep(), Branching(), Comparison())
}


def options_of(name: str, values: Mapping[str, Any]) -> Options:
    """The protocol's options, with defaults for those not given. Raises DomainError that names the option."""
    try:
        return msgspec.convert(dict(values), PROTOCOLS[name].options)
    except msgspec.ValidationError as error:
        raise DomainError(f"Invalid options for protocol {name}: {error}.", fields={"options": str(error)}) from error


def options_for_labelers(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that shape a labeler's work, without those that say how the tasks were chosen."""
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        return {}
    return {key: value for key, value in values.items() if key in protocol.options.FOR_LABELERS}


__all__ = ["PROTOCOLS", "LabelingProtocol", "Options", "TaskContext", "options_for_labelers", "options_of"]
