"""Whole numbers in URLs, headers and forms: the one rule for reading them."""

from __future__ import annotations

BIGGEST_ID = 2**63 - 1
_MOST_DIGITS = len(str(BIGGEST_ID))


def parse_number(text: str, *, biggest: int = BIGGEST_ID) -> int | None:
    """The whole number from 0 to `biggest` that `text` holds in ASCII digits; None for any other text."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    return number if number <= biggest else None


def is_number(text: str) -> bool:
    return parse_number(text) is not None
