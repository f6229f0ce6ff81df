"""Whether a prompt can work: its placeholders, and the parser of its replies. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.judging.prompts.prompt import JudgePrompt, placeholders_of

_SOLUTION = frozenset({"problem", "reference", "solution", "steps", "last_step"})
_PAIR = frozenset({"problem", "reference", "solution_a", "solution_b"})
_REVISED = frozenset({"problem", "reference", "solution", "principle"})
# The placeholders that a kind fills, and those without which its request makes no sense.
_FILLED: Mapping[str, frozenset[str]] = {
    "steps": _SOLUTION,
    "outcome": _SOLUTION,
    "comparison": _PAIR,
    "principle": _PAIR | {"principle"},
    "critique-revise": _REVISED,
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "steps": ("problem", "steps"),
    "outcome": ("problem", "solution"),
    "comparison": ("problem", "solution_a", "solution_b"),
    "principle": ("problem", "solution_a", "solution_b", "principle"),
    "critique-revise": ("problem", "solution", "principle"),
}
_REVISION_REQUIRED = ("problem", "solution", "principle", "critique")
_PARSERS: Mapping[str, tuple[str, ...]] = {
    "steps": ("boxed", "ratings"),
    "outcome": ("pass-fail",),
    "comparison": ("preference",),
    "principle": ("preference",),
    "critique-revise": ("text",),
}
_PLACE = re.compile(r"`\$\.(\w+)")
_FIELD = re.compile(r"(?:required|unknown) field `(\w+)`")


def checked_prompt(values: Mapping[str, Any]) -> JudgePrompt:
    """The prompt of these values. Raises DomainError with the field, and the placeholder if one is missing or unknown."""
    try:
        prompt = msgspec.convert(dict(values), JudgePrompt)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error)) or _FIELD.search(str(error))
        fields = {place.group(1) if place else "prompt": str(error)}
        raise DomainError(f"Invalid prompt: {error}.", fields=fields) from error
    fields = _problems_of(prompt)
    if fields:
        sentences = "; ".join(f"{field} {problem}" for field, problem in fields.items())
        raise DomainError(f"Invalid prompt: {sentences}.", fields=fields)
    return prompt


def _problems_of(prompt: JudgePrompt) -> dict[str, str]:
    """What is wrong, by field."""
    fields: dict[str, str] = {}
    is_revising = prompt.kind == "critique-revise"
    available = _FILLED[prompt.kind]
    if problem := _placeholder_problem(prompt.user, _REQUIRED[prompt.kind], available, prompt.kind):
        fields["user"] = problem
    if problem := _placeholder_problem(prompt.system, (), available, prompt.kind):
        fields["system"] = problem
    if is_revising:
        if problem := _placeholder_problem(prompt.revision, _REVISION_REQUIRED, available | {"critique"}, prompt.kind):
            fields["revision"] = problem
    elif prompt.revision:
        fields["revision"] = f"must be empty: the kind {prompt.kind} asks for no revision"
    if prompt.parser not in _PARSERS[prompt.kind]:
        fields["parser"] = f"must be {' or '.join(_PARSERS[prompt.kind])} for the kind {prompt.kind}"
    if missing := [part for part in ("{index}", "{text}") if part not in prompt.step]:
        fields["step"] = f"must contain {' and '.join(missing)}"
    return fields


def _placeholder_problem(text: str, required: tuple[str, ...], available: frozenset[str], kind: str) -> str:
    present = placeholders_of(text)
    if missing := [name for name in required if name not in present]:
        return f"must contain {' and '.join(f'{{{name}}}' for name in missing)}"
    if unknown := sorted(present - available):
        return f"must not contain {' or '.join(f'{{{name}}}' for name in unknown)}: the kind {kind} has no such text"
    return ""
