"""How a model is asked to continue. One file each; a new one is a file and a line here."""

from __future__ import annotations

from apps.inference.transports.base import Transport
from apps.inference.transports.chat_instruct import ChatInstruct
from apps.inference.transports.chat_prefill import ChatPrefill
from apps.inference.transports.completions import Completions

TRANSPORTS: dict[str, Transport] = {one.name: one for one in (Completions(), ChatPrefill(), ChatInstruct())}
