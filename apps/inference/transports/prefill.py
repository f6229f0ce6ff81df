"""Replies that begin with the text which they were to go on from. Pure.

llama.cpp's server repeats a prefilled assistant message at the beginning of its reply; vLLM and SGLang do not. A solution
that is put together from prefix and reply would hold every step twice.
"""

from __future__ import annotations

from dataclasses import replace

from apps.inference.types import Choice, Prompt

# Words that no model goes on with by itself.
PROBE = Prompt("What is 1 + 1?", "The quick brown fox counts 7319 hedgehogs in Ljubljana and")


def begins_with(choice: Choice, prefix: str) -> bool:
    return _end_of_prefix(choice.text, prefix) is not None


def without_prefix(choice: Choice, prefix: str) -> Choice:
    """The reply behind the prefix, where it begins with that."""
    end = _end_of_prefix(choice.text, prefix)
    return choice if end is None else replace(choice, text=choice.text[end:])


def _end_of_prefix(text: str, prefix: str) -> int | None:
    """Where the prefix ends in the text, white space at its beginning, at its end and between its words aside."""
    if prefix and text.startswith(prefix):
        return len(prefix)
    place = 0
    for word in prefix.split():
        while place < len(text) and text[place].isspace():
            place += 1
        if not text.startswith(word, place):
            return None
        place += len(word)
    return place or None
