"""Refused requests: whether the server objects to the prompt's length, to a setting, or to something else. Pure.

OpenAI's API names the parameter and a code; vLLM, SGLang, TGI and llama.cpp write messages of their own; FastAPI servers
return a list of locations. By the reason a run adapts its requests, counts a prompt as too long, or pauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

# Settings that hold the model to a JSON schema.
FORMATS = frozenset({"response_format", "json_schema"})
# Settings that can be left out of a request. The run shows a notice for each.
DROPPABLE = frozenset({"temperature", "top_p", "top_k", "min_p", "seed", "stop", "n", "chat_template_kwargs", *FORMATS})
# Settings that some servers know only by another name.
OTHER_NAMES = {"max_tokens": "max_completion_tokens"}

_UNKNOWN_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"})
_UNKNOWN_WORDS = re.compile(
    r"unsupported|not supported|n[o']t support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields|parameters)"
    r"|not permitted|not allowed|cannot find field|takes no|not accept|not (?:a )?valid (?:parameter|argument|field)"
    r"|not available|deprecated|only the default|instead",
    re.IGNORECASE,
)
_TOO_LONG_CODES = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "request_too_large", "string_above_max_length"}
)
_TOO_LONG_WORDS = re.compile(
    r"maximum context length|context(?: window)? length|maximum model length|available context size|context window"
    r"|prompt is too long|input is too long|reduce the length of the (?:messages|prompt|input)|max_new_tokens` must be <="
    r"|`inputs` must have less than|input token count .{0,40}exceeds"
    r"|exceeds? the max(?:imum)? (?:number of tokens|allowed|input)|longer than the (?:model's|maximum)"
    r"|too many (?:input )?tokens|too large for model with|when context the overflows",
    re.IGNORECASE | re.DOTALL,
)
_PAYLOAD_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Refusal:
    """The body of a refused request's response, as far as it can be read."""

    message: str
    codes: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()

    def is_about_length(self, status: int) -> bool:
        """Whether the prompt with the requested completion exceeds the model's context."""
        return (
            status == _PAYLOAD_TOO_LARGE
            or bool(_TOO_LONG_CODES & self.codes)
            or _TOO_LONG_WORDS.search(self.message) is not None
        )

    def unknown_setting(self, sent: Iterable[str]) -> str | None:
        """The sent field that the server refuses; None if it objects to something else."""
        if not (_UNKNOWN_CODES & self.codes or _UNKNOWN_WORDS.search(self.message)):
            return None
        fields = [name for name in sent if name in DROPPABLE or name in OTHER_NAMES or name in OTHER_NAMES.values()]
        named = [name for name in fields if name in self.parameters]
        named += [name for name in fields if re.search(rf"(?<![\\w-]){name}(?![\\w-])", self.message) and len(name) > 1]
        return named[0] if named else None


def read_refusal(raw: bytes, longest: int) -> Refusal:
    """Read OpenAI's `error` object, its flat variants or FastAPI's `detail`; else the first `longest` bytes of the body."""
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return Refusal(raw[:longest].decode("utf-8", "replace").strip())
    if not isinstance(body, dict):
        return Refusal(_text(body[0] if isinstance(body, list) and body else body))
    error = body.get("error", body)
    parts = [part for part in (body, error) if isinstance(part, dict)]
    codes = {str(part[name]) for part in parts for name in ("code", "type", "status", "error_type") if part.get(name)}
    parameters = {str(part["param"]) for part in parts if part.get("param")}
    detail = body.get("detail")
    places = [place for place in detail if isinstance(place, dict)] if isinstance(detail, list) else []
    codes |= {str(place["type"]) for place in places if place.get("type")}
    parameters |= {str(place["loc"][-1]) for place in places if isinstance(place.get("loc"), list) and place["loc"]}
    return Refusal(_sentence(error, places), frozenset(codes), frozenset(parameters))


def _sentence(error: Any, places: list[dict[str, Any]]) -> str:
    if places:
        return "; ".join(f"{'.'.join(map(str, place.get('loc') or []))}: {place.get('msg', '')}" for place in places)
    if not isinstance(error, Mapping):
        return _text(error)
    return _text(error.get("message") or error.get("detail") or error.get("error") or "")


def _text(value: Any) -> str:
    return str(value.get("message") or value) if isinstance(value, dict) else str(value)


def adapted(body: dict[str, Any], refused: Iterable[str]) -> dict[str, Any]:
    """The request without the refused settings, or with the server's other names for them."""
    fields = dict(body)
    for name in refused:
        if name in fields:
            value = fields.pop(name)
            if name in OTHER_NAMES:
                fields[OTHER_NAMES[name]] = value
    return fields


def notice_of(setting: str) -> str:
    """The notice of a run whose endpoint refuses a setting."""
    if setting in OTHER_NAMES:
        return f"The endpoint refuses {setting}: {OTHER_NAMES[setting]} is sent instead."
    if setting in FORMATS:
        return f"The endpoint refuses {setting}: replies are read without a schema."
    if setting == "n":
        return "The endpoint refuses n: each completion is a separate request."
    if setting == "seed":
        return "The endpoint refuses seed: repeated requests may have other responses."
    return f"The endpoint refuses {setting}: its own default applies instead of the setting of this run."
