"""The interface of parsers: the text of a reply and what the judge was shown in; a reading out. Pure and deterministic.

A parser never guesses. What contradicts itself, or is not in one of the forms that it knows, is unreadable, with a sentence
that says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import msgspec

from apps.inference.types import CompletionChoice
from apps.judging.verdicts import Reading

CUT = "The reply was cut off before its verdict was complete."


class Reply(msgspec.Struct, frozen=True):
    """A reply as it came. `refusal` is the text of the message's field of this name."""

    text: str
    finish_reason: str = ""
    is_cut: bool = False
    refusal: str = ""

    @classmethod
    def of_choice(cls, choice: CompletionChoice, refusal: str = "") -> Reply:
        return cls(choice.text, choice.finish_reason, choice.is_cut, refusal)


class Shown(msgspec.Struct, frozen=True):
    """What a reply is about: how many steps the judge was shown, and the texts that the reply may quote."""

    steps: int = 0
    texts: Sequence[str] = ()


class Parser(Protocol):
    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        """Read a text that is not empty, without the model's hidden reasoning. Never raises."""


def is_closed(text: str, end: int, *, is_cut: bool) -> bool:
    """Whether a verdict that ends there is final: a text that was cut after it might have taken it back."""
    return not is_cut or not text[end:].strip(" \t\r\n$*_`.)]}>\\")
