"""Dates with the name of a month, or as ISO 8601 writes them. `7/4/1776` has two readings and is none."""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.base import Outcome, either, unparsed
from apps.verifiers.latex.normalize import untext

_MONTHS = ["january", "february", "march", "april", "may", "june"]
_MONTHS += ["july", "august", "september", "october", "november", "december"]
_NAMES = {spelling: place for place, name in enumerate(_MONTHS, 1) for spelling in (name, name[:3])} | {"sept": 9}
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_FORMS = tuple(
    re.compile(_WEEKDAY + form, re.IGNORECASE)
    for form in (
        rf"(?P<month>{_NAME})\.?\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:\s?(?:st|nd|rd|th))?(?:,?\s+(?P<year>\d{{4}}))?",
        rf"(?:the\s+)?(?P<day>\d{{1,2}})(?:\s?(?:st|nd|rd|th))?\s+(?:of\s+)?(?P<month>{_NAME})\.?(?:,?\s+(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
    )
)
_NUMERIC = re.compile(r"\d{1,4}[/.]\d{1,2}[/.]\d{2,4}")


class Date(NamedTuple):
    """The year is 0 where it is left out."""

    month: int
    day: int
    year: int


def compare_dates(reference: str, answer: str) -> Outcome | None:
    """None where neither is a date. A year that one side leaves out is not missed."""
    texts = [" ".join(untext(text).split()) for text in (reference, answer)]
    if not any(map(_may_be_date, texts)):
        return None
    left, right = map(read_date, texts)
    if left is None or right is None:
        dates = left or right or any(_NUMERIC.fullmatch(text) for text in texts)
        return unparsed("the date is not understood") if dates else None
    years = {left.year, right.year} - {0}
    return either(equal=left[:2] == right[:2] and len(years) < 2)


def _may_be_date(text: str) -> bool:
    return any(character.isdigit() for character in text) and (
        text[:3].isalpha() or "-" in text[4:5] or "/" in text or "." in text or any(map(str.isalpha, text))
    )


def read_date(text: str) -> Date | None:
    for form in _FORMS:
        date = form.fullmatch(text)
        if date:
            month = _NAMES.get(date["month"].lower()) or (int(date["month"]) if date["month"].isdigit() else 0)
            day = int(date["day"])
            return Date(month, day, int(date["year"] or 0)) if 1 <= month <= 12 and 1 <= day <= 31 else None
    return None
