"""The interface of transports, the sampling fields of a request, and the reading of a response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from apps.inference.errors import InvalidResponse
from apps.inference.types import CompletionChoice, CompletionPrompt, SamplingParameters, Server, Usage

Body = dict[str, Any]
_OTHER_CONTENT = ("reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")
_REASONING = ("reasoning_content", "reasoning")
_TEXT_PARTS = ("text", "output_text")


class Transport(Protocol):
    """A way to request the continuation of a solution."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    path: ClassVar[str]
    # Whether the prefix is sent as the beginning of the model's own message, which some servers repeat in the reply.
    prefills: ClassVar[bool]

    def body(
        self, server: Server, prompt: CompletionPrompt, sampling: SamplingParameters, *, n: int, seed: int
    ) -> Body: ...

    def text(self, choice: Mapping[str, Any]) -> str: ...


def sampling_fields(server: Server, sampling: SamplingParameters, *, n: int, seed: int) -> Body:
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


def chat_format(sampling: SamplingParameters) -> Body:
    """The field of chat requests that holds the model to a JSON schema (OpenAI, vLLM, SGLang, llama.cpp)."""
    if sampling.schema is None:
        return {}
    schema = {"name": "reply", "strict": True, "schema": sampling.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def read_choices(transport: Transport, content: Any) -> tuple[CompletionChoice, ...]:
    """The choices by their index. Raises InvalidResponse if the response holds none."""
    try:
        choices = sorted(content["choices"], key=lambda choice: choice.get("index") or 0)
        return tuple(_choice(transport, choice) for choice in choices)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InvalidResponse("The endpoint's response holds no choices.") from error


def _choice(transport: Transport, choice: Mapping[str, Any]) -> CompletionChoice:
    text = transport.text(choice)
    message = choice.get("message")
    reason = str(choice.get("finish_reason") or "")
    if not isinstance(message, Mapping):
        return CompletionChoice(text, reason)
    if not text:
        # Reasoning, a refusal or a tool call without any text is not a completion that ends right after the prefix.
        has_other_content = message.get("content") is None or any(message.get(name) for name in _OTHER_CONTENT)
        reason = "length" if has_other_content else reason
    reasoning = next((message[name] for name in _REASONING if isinstance(message.get(name), str)), "")
    return CompletionChoice(text, reason, refusal=str(message.get("refusal") or ""), reasoning=reasoning)


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string, null, or a list of parts. Reasoning parts are left out."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part if isinstance(part, str) else _text_of_part(part) for part in content)


def _text_of_part(part: Mapping[str, Any]) -> str:
    """The text of a part: OpenAI's and Anthropic's `text`, or `output_text`. Gemini's parts have no type."""
    return str(part.get("text") or "") if part.get("type", "text") in _TEXT_PARTS and not part.get("thought") else ""


def read_usage(server: Server, content: Any, choices: Sequence[CompletionChoice]) -> Usage:
    """The server's token counts. If it counts only the first choice, the others are estimated by their length."""
    usage = content.get("usage") if isinstance(content, dict) else None
    prompt, completion = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    if completion is None:
        # Without a count: four characters per token.
        return Usage(prompt or 0, sum(len(choice.text) for choice in choices) // 4, is_estimated=True)
    if not server.counts_first_only or len(choices) < 2:
        return Usage(prompt or 0, completion)
    first = max(1, len(choices[0].text))
    return Usage(
        prompt or 0, round(completion * sum(len(choice.text) for choice in choices) / first), is_estimated=True
    )


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value >= 0 else None
