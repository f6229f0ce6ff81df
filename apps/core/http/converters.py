"""URL path converters."""

from __future__ import annotations

from django.urls import register_converter


class SignedConverter:
    """An integer that may be negative: the screening round is -1."""

    regex = r"-?\d{1,9}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(SignedConverter, "signed")
