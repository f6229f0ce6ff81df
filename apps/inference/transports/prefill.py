"""Replies that begin with the prefilled text. Pure.

llama.cpp's server repeats a prefilled assistant message at the beginning of its reply; vLLM and SGLang do not. Without
the removal of the repeated text, a solution made of prefix and reply would hold every step twice.
"""

from __future__ import annotations

from dataclasses import replace

from apps.inference.types import CompletionChoice, CompletionPrompt

# A text that no model writes by itself.
PROBE = CompletionPrompt("What is 1 + 1?", "The quick brown fox counts 7319 hedgehogs in Ljubljana and")


def begins_with(choice: CompletionChoice, prefix: str) -> bool:
    return _end_of_prefix(choice.text, prefix) is not None


def without_prefix(choice: CompletionChoice, prefix: str) -> CompletionChoice:
    """The reply without the prefix at its beginning, if it begins with that."""
    end = _end_of_prefix(choice.text, prefix)
    return choice if end is None else replace(choice, text=choice.text[end:])


def _end_of_prefix(text: str, prefix: str) -> int | None:
    """The position after the prefix in the text, ignoring white space between words; None if the text differs."""
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
