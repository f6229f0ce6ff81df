"""Numbers from URLs and forms."""

from __future__ import annotations

MAX_ID = 2**63 - 1


def parse_id(text: str, *, maximum: int = MAX_ID) -> int | None:
    """The number that a text of digits holds; None for any other text, and for numbers over the maximum."""
    if not text.isdecimal() or len(text) > len(str(maximum)):
        return None
    number = int(text)
    return number if number <= maximum else None
