"""Whole numbers that come as text: in addresses, headers and forms. One rule for all of them."""

from __future__ import annotations

BIGGEST_ID = 2**63 - 1
_MOST_DIGITS = len(str(BIGGEST_ID))


def parse_number(text: str, *, biggest: int = BIGGEST_ID) -> int | None:
    """A whole number from 0 to `biggest` in plain digits; None for everything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    return number if number <= biggest else None


def is_number(text: str) -> bool:
    return parse_number(text) is not None
