"""Log-probabilities of the next token in a completion's response. Pure.

OpenAI's legacy completions have parallel lists (`tokens`, `token_logprobs`, `top_logprobs`), as vLLM and SGLang do; chats
have a list `content`, as llama.cpp also answers to a completion.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.inference.errors import InvalidResponse

_SAME = 0.02  # Servers that compute in half precision answer the same request with slightly different numbers.


@dataclass(frozen=True, slots=True)
class NextToken:
    """The most likely tokens, most likely first, and the sampled one, which may not be among them."""

    top: tuple[tuple[str, float], ...]
    sampled: tuple[str, float] | None

    def entries(self) -> tuple[tuple[str, float], ...]:
        if self.sampled is None or any(text == self.sampled[0] for text, _ in self.top):
            return self.top
        return (*self.top, self.sampled)

    def is_same_distribution(self, other: NextToken) -> bool:
        """Whether both have the same most likely token, as probable."""
        if not self.top or not other.top:
            return False
        (text, logprob), (other_text, other_logprob) = self.top[0], other.top[0]
        return text == other_text and abs(logprob - other_logprob) < _SAME


def next_token(content: Any) -> NextToken:
    """Raises InvalidResponse for a response in another shape. Without log-probabilities it is empty."""
    try:
        logprobs = content["choices"][0].get("logprobs") or {}
        if "content" in logprobs:
            return _from_content(logprobs["content"] or [])
        return _from_lists(logprobs)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InvalidResponse("The endpoint's log-probabilities cannot be read.") from error


def _from_content(tokens: list[Mapping[str, Any]]) -> NextToken:
    if not tokens:
        return NextToken((), None)
    first = tokens[0]
    top = [(str(entry["token"]), entry["logprob"]) for entry in first.get("top_logprobs") or []]
    return NextToken(_sorted(top), _entry(first["token"], first.get("logprob")))


def _from_lists(logprobs: Mapping[str, Any]) -> NextToken:
    tops, tokens, values = (logprobs.get(name) or [] for name in ("top_logprobs", "tokens", "token_logprobs"))
    top = list((tops[0] or {}).items()) if tops else []
    return NextToken(_sorted(top), _entry(tokens[0], values[0]) if tokens and values else None)


def _sorted(entries: Iterable[tuple[str, Any]]) -> tuple[tuple[str, float], ...]:
    known = [entry for text, value in entries if (entry := _entry(text, value))]
    return tuple(sorted(known, key=lambda entry: -entry[1]))


def _entry(text: Any, value: Any) -> tuple[str, float] | None:
    """None for a token without a probability: JSON has no infinity, so servers write null or a huge negative number."""
    if not isinstance(value, int | float) or not math.isfinite(value) or value > 0.001:
        return None
    return str(text), float(value)


def log_sum(entries: Iterable[tuple[str, float]], tokens: Iterable[str]) -> float | None:
    """The logarithm of the probability of any of these tokens; None if none is among the entries."""
    wanted = set(tokens)
    values = [logprob for text, logprob in entries if text in wanted]
    if not values:
        return None
    highest = max(values)
    return highest + math.log(math.fsum(math.exp(value - highest) for value in values))


def share_of(good: float, bad: float) -> float:
    """P(good) / (P(good) + P(bad)), from their logarithms."""
    difference = bad - good
    return 1 / (1 + math.exp(difference)) if difference < 700 else 0.0
