"""A judge's prompt: what it is for, its texts with their placeholders, and how steps are shown in it. Pure.

Placeholders are replaced in one pass, so a problem that contains "{solution}" stays as it is. A text that contains one of
the prompt's own tags, such as `</step_0>`, cannot open or close it: its `<` becomes `&lt;`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from apps.inference.types import CompletionPrompt

KindName = Literal["steps", "outcome", "comparison", "principle", "critique-revise"]
ParserName = Literal["boxed", "ratings", "pass-fail", "preference", "text"]
Text = Annotated[str, Meta(max_length=20_000)]

PLACEHOLDERS = (
    "problem",
    "reference",
    "steps",
    "last_step",
    "solution",
    "solution_a",
    "solution_b",
    "principle",
    "critique",
)
PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_STEP_PART = re.compile(r"\{(index|text)\}")
_TAG = re.compile(r"</([A-Za-z](?:[\w-]|\{index\})*)>")
# What is found in the texts of a prompt is kept: a run renders the same few texts for every item.
_MOST_TEXTS = 256


class JudgePrompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a prompt. Its name and version identify the text: another text is another version.

    `step` is how each step is shown, by {index} from 0 and {text}; steps are joined by line breaks. `revision` is the second
    request of the kind critique-revise. `schema` is the JSON schema of the reply, for servers that hold a model to it;
    the text asks for the same form.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    kind: KindName
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    about: Annotated[str, Meta(max_length=2000)] = ""
    parser: ParserName
    system: Text = ""
    user: Annotated[str, Meta(min_length=1, max_length=20_000)]
    revision: Text = ""
    step: Annotated[str, Meta(min_length=1, max_length=200)] = "<step_{index}>\n{text}\n</step_{index}>"
    schema: dict[str, Any] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=131_072)] = 4096

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.system, self.user, self.revision

    @property
    def needs_reference(self) -> bool:
        return any("{reference}" in text for text in self.texts)

    def request(
        self, values: Mapping[str, str], steps: Sequence[str] = (), *, is_revision: bool = False
    ) -> CompletionPrompt:
        """The request with these values by the names of their placeholders, and these steps."""
        tags = tags_of((*self.texts, self.step))
        texts = {name: neutral(text, tags) for name, text in values.items()}
        if steps:
            shown = (self._shown_step(index, text, tags) for index, text in enumerate(steps))
            texts |= {"steps": "\n".join(shown), "last_step": str(len(steps) - 1)}
        template = self.revision if is_revision else self.user
        return CompletionPrompt(filled(template, texts), system=filled(self.system, texts))

    def _shown_step(self, index: int, text: str, tags: tuple[str, ...]) -> str:
        """The step within its tags. Without tags a step is one line, so that no text can begin a line of another step."""
        body = neutral(text, tags) if tags_of((self.step,)) else " ".join(text.splitlines())
        return _joined(_parts(self.step, _STEP_PART), {"index": str(index), "text": body})


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with the values in the place of their placeholders; a placeholder without a value stays."""
    return _joined(_parts(template, PLACEHOLDER), values)


def placeholders_of(template: str) -> set[str]:
    return set(PLACEHOLDER.findall(template))


def neutral(text: str, tags: tuple[str, ...]) -> str:
    """The text with `&lt;` in the place of `<` where one of the tags would open or close."""
    return _tag_pattern(tags).sub("&lt;", text) if tags and "<" in text else text


@lru_cache(_MOST_TEXTS)
def tags_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The tags that the prompt itself closes, as patterns: `step_{index}` is `step_` and a number."""
    names = {name for text in texts for name in _TAG.findall(text)}
    return tuple(sorted(re.escape(name).replace(r"\{index\}", r"\d+") for name in names))


@lru_cache(_MOST_TEXTS)
def _parts(template: str, placeholder: re.Pattern[str]) -> tuple[str, ...]:
    """The template's own texts and, at every odd place, the name of the placeholder between two of them."""
    return tuple(placeholder.split(template))


def _joined(parts: Sequence[str], values: Mapping[str, str]) -> str:
    return "".join(values.get(part, f"{{{part}}}") if place % 2 else part for place, part in enumerate(parts))


@lru_cache(_MOST_TEXTS)
def _tag_pattern(tags: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"<(?=(?:\s*/\s*)?(?:{'|'.join(tags)})(?![A-Za-z0-9]))", re.IGNORECASE)
