"""Requests to a model and its responses, independent of the transport. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenAI-compatible server, as the client needs it. `url` ends before `/completions` or `/chat/completions`."""

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    transport: str = "completions"
    timeout_s: float = 300.0
    counts_first_only: bool = False  # Its `usage` counts only the first choice, as that of llama.cpp.
    # Allowed addresses outside the public internet; None: no check, as the caller vouches for the URL.
    allowed_addresses: tuple[str, ...] | None = None
    is_vouched: bool = False  # The operator chose the URL: its host may have any address, at its port.
    most_choices: int | None = None  # The highest `n` that it accepts; None: unknown.
    refused_settings: frozenset[str] = frozenset()  # Settings that it refuses.
    echoes_prefill: bool | None = None  # Its reply begins with the prefilled text; None: unknown.


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """Sampling parameters. All are always sent, because servers' defaults differ and may truncate the distribution.

    `top_k` and `min_p` are sent only to servers that know them (`extras`); 0 turns them off.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    extras: bool = True
    top_k: int = 0
    min_p: float = 0.0
    schema: Mapping[str, Any] | None = None  # JSON schema of the completion, where the server can hold the model to it.


@dataclass(frozen=True, slots=True)
class CompletionPrompt:
    """A problem and the prefix of a solution, which the model continues. All texts are rendered already."""

    problem: str
    prefix: str = ""
    system: str = ""


# Finish reasons of complete texts: OpenAI, vLLM, SGLang, llama.cpp, TGI, Anthropic, Gemini, Cohere.
COMPLETE_REASONS = frozenset(
    {"stop", "eos", "eos_token", "stop_sequence", "end_turn", "stop_token", "complete", "completed", "finished", "done"}
)
# Finish reasons of cut texts: a limit, a filter, a tool call, a failure.
CUT_REASONS = frozenset(
    {
        "length",
        "max_tokens",
        "max_output_tokens",
        "model_length",
        "max_length",
        "limit",
        "model_context_window_exceeded",
        "content_filter",
        "content-filter",
        "safety",
        "recitation",
        "language",
        "blocklist",
        "prohibited_content",
        "spii",
        "refusal",
        "error_toxic",
        "error_limit",
        "tool_calls",
        "tool_use",
        "function_call",
        "malformed_function_call",
        "pause_turn",
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "error",
        "other",
        "timeout",
        "insufficient_system_resource",
    }
)
_ENUM = re.compile(r"^(?:finish_?reason[._])", re.IGNORECASE)
# The end of a complete text. Any other end may be within a word, a number or a formula.
_ENDED = re.compile(r"(?:[.!?。！？।؟…)\]}\"'”»」*`>]|\$)\s*$")


@dataclass(frozen=True, slots=True)
class CompletionChoice:
    """One completion. `finish_reason` is the server's; empty without one.

    `refusal` and `reasoning` are what chat servers send beside the text: why the model refuses, and what it thought.
    """

    text: str
    finish_reason: str
    refusal: str = ""
    reasoning: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether it ended before the model was done: by the finish reason if it is known, else by the end of the text."""
        reason = _ENUM.sub("", self.finish_reason.strip()).lower()
        if reason in COMPLETE_REASONS:
            return False
        return reason in CUT_REASONS or _ENDED.search(self.text) is None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response. `is_estimated` if the server counts only the first choice, or none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class ModelResponse:
    choices: tuple[CompletionChoice, ...]
    usage: Usage
    requests: int = 1  # HTTP requests, retries included.
