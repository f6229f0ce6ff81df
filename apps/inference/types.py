"""What is asked of a model and what it answers, whatever the transport. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenAI-compatible server as the client needs it. `url` ends before `/completions` or `/chat/completions`."""

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    transport: str = "completions"
    timeout_s: float = 300.0
    counts_first_only: bool = False  # Its `usage` counts the tokens of the first choice, as llama.cpp's does.
    # Addresses outside the public internet that it may have; None: whoever made this vouches for its URL.
    allowed_addresses: tuple[str, ...] | None = None
    is_vouched: bool = False  # The operator has named the URL: its host may have any address, at its port.
    most_choices: int | None = None  # The `n` that it takes; None where that is not known yet.
    refused_settings: frozenset[str] = frozenset()  # Settings that it does not take.
    echoes_prefill: bool | None = None  # Its reply begins with the prefilled text; None where that is not known yet.


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. All of it is always sent: servers differ in their defaults, and some of those cut the tail.

    `top_k` and `min_p` go only to servers that know them (`extras`); 0 means off for both.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    extras: bool = True
    top_k: int = 0
    min_p: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A problem and the beginning of its solution, which the model is to go on from.

    `system` and `problem` are rendered already; `prefix` ends as the model wants it to.
    """

    problem: str
    prefix: str = ""
    system: str = ""


# What servers call an end that is the model's own: OpenAI, vLLM, SGLang, llama.cpp, TGI, Anthropic, Gemini, Cohere.
WHOLE = frozenset(
    {"stop", "eos", "eos_token", "stop_sequence", "end_turn", "stop_token", "complete", "completed", "finished", "done"}
)
# And an end that is not: a limit, a filter, a call of a tool, a failure.
CUT = frozenset(
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
# A text that ends so may go on: in the midst of a word, a number or a formula.
_ENDED = re.compile(r"(?:[.!?。！？।؟…)\]}\"'”»」*`>]|\$)\s*$")


@dataclass(frozen=True, slots=True)
class Choice:
    """One completion. `finish_reason` is the server's; empty where it says none."""

    text: str
    finish_reason: str

    @property
    def is_cut(self) -> bool:
        """Whether it ended before the model was done. Where the server's word does not tell, the text does."""
        reason = _ENUM.sub("", self.finish_reason.strip()).lower()
        if reason in WHOLE:
            return False
        return reason in CUT or _ENDED.search(self.text) is None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `is_estimated` where the server does not count all choices, or none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    choices: tuple[Choice, ...]
    usage: Usage
    requests: int = 1  # HTTP requests that it took, repeated ones included.
