"""The protocols that can be worked on here: one file and one line each.

A protocol says what a finished task looks like. It is pure: submission and path in, complaint out.
"""

from __future__ import annotations

from apps.labeling.protocols.base import Protocol
from apps.labeling.protocols.every_step import EveryStep
from apps.labeling.protocols.first_error import FirstError

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (FirstError(), EveryStep())}

__all__ = ["PROTOCOLS", "Protocol"]
