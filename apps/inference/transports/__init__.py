"""Transports: ways to request a continuation from a server. A new one is a file and a line here."""

from __future__ import annotations

from apps.inference.transports.base import Transport
from apps.inference.transports.chat_instruct import ChatInstruct
from apps.inference.transports.chat_prefill import ChatPrefill
from apps.inference.transports.completions import Completions

TRANSPORTS: dict[str, Transport] = {
    transport.name: transport for transport in (Completions(), ChatPrefill(), ChatInstruct())
}
