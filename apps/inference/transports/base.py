"""What the transports share: the fields of sampling, and reading an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from apps.inference.errors import Unreadable
from apps.inference.types import Choice, Prompt, Sampling, Server, Usage

Body = dict[str, Any]
_BESIDE_CONTENT = ("reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")
_TEXT_PARTS = ("text", "output_text")


class Transport(Protocol):
    """One way to have a solution continued."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    path: ClassVar[str]
    # Whether the prefix is sent as the beginning of the model's own message, which some servers repeat.
    prefills: ClassVar[bool]

    def body(self, server: Server, prompt: Prompt, sampling: Sampling, *, n: int, seed: int) -> Body: ...

    def text(self, choice: Mapping[str, Any]) -> str: ...


def sampling_fields(server: Server, sampling: Sampling, *, n: int, seed: int) -> Body:
    body: Body = {
        "model": server.model,
        "n": n,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.extras:
        body |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
    return body


def read_choices(transport: Transport, answer: Any) -> tuple[Choice, ...]:
    """The choices in the order of their index. Raises Unreadable."""
    try:
        found = sorted(answer["choices"], key=lambda choice: choice.get("index") or 0)
        return tuple(_choice(transport, one) for one in found)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise Unreadable("The endpoint answered with something that holds no choices.") from error


def _choice(transport: Transport, choice: Mapping[str, Any]) -> Choice:
    text = transport.text(choice)
    message = choice.get("message")
    if not text and isinstance(message, Mapping) and _holds_something_else(message):
        return Choice(text, "length")
    return Choice(text, str(choice.get("finish_reason") or ""))


def _holds_something_else(message: Mapping[str, Any]) -> bool:
    """It thought, refused or called a tool, and came to no text: that is not an end right after the prefix."""
    return message.get("content") is None or any(message.get(name) for name in _BESIDE_CONTENT)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, null, or parts of which thoughts are left out."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part if isinstance(part, str) else _text_of_part(part) for part in content)


def _text_of_part(part: Mapping[str, Any]) -> str:
    """OpenAI's and Anthropic's `text`, and `output_text`; Gemini's parts have no type."""
    return str(part.get("text") or "") if part.get("type", "text") in _TEXT_PARTS and not part.get("thought") else ""


def read_usage(server: Server, answer: Any, choices: Sequence[Choice]) -> Usage:
    """What the server counted. Where it counts the first choice only, the others are taken to be as dense."""
    told = answer.get("usage") if isinstance(answer, dict) else None
    prompt, completion = (_count(told, name) for name in ("prompt_tokens", "completion_tokens"))
    if completion is None:
        # Without a count, four characters a token is the usual rule of thumb.
        return Usage(prompt or 0, sum(len(choice.text) for choice in choices) // 4, is_estimated=True)
    if not server.counts_first_only or len(choices) < 2:
        return Usage(prompt or 0, completion)
    first = max(1, len(choices[0].text))
    return Usage(prompt or 0, round(completion * sum(len(one.text) for one in choices) / first), is_estimated=True)


def _count(told: Any, name: str) -> int | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, int) and value >= 0 else None
