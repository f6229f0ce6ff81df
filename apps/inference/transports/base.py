"""What the transports share: the fields of sampling, and reading an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from apps.inference.failures import Unreadable
from apps.inference.wire import Choice, Prompt, Sampling, Server, Usage

Body = dict[str, Any]


class Transport(Protocol):
    """One way to have a solution continued."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    path: ClassVar[str]

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
        return tuple(Choice(transport.text(one), str(one.get("finish_reason") or "stop")) for one in found)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise Unreadable("The endpoint answered with something that holds no choices.") from error


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
