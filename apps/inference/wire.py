"""What is asked of a model and what it answers, whatever the transport. Pure."""

from __future__ import annotations

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
    most_choices: int | None = None  # The `n` that it takes; None where that is not known yet.


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


@dataclass(frozen=True, slots=True)
class Choice:
    """One completion. `finish_reason` is the server's: `stop`, `length`, or another word."""

    text: str
    finish_reason: str

    @property
    def is_cut(self) -> bool:
        return self.finish_reason == "length"


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
