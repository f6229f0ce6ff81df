"""Compares dates with the name of a month or in ISO 8601. `7/4/1776` is ambiguous and is not parsed."""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.base import GradeOutcome, match_if, unparsed
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
    """The year is 0 if it is left out."""

    month: int
    day: int
    year: int


def compare_dates(reference: str, answer: str) -> GradeOutcome | None:
    """None where neither is a date. One side may leave out the year."""
    texts = [" ".join(untext(text).split()) for text in (reference, answer)]
    may_be_dates = (
        any(map(str.isdigit, text)) and (any(map(str.isalpha, text)) or "-" in text[4:5] or "/" in text or "." in text)
        for text in texts
    )
    if not any(may_be_dates):
        return None
    first, second = map(read_date, texts)
    if first is None or second is None:
        has_date = first or second or any(_NUMERIC.fullmatch(text) for text in texts)
        return unparsed("the date could not be parsed") if has_date else None
    years = {first.year, second.year} - {0}
    return match_if(equal=first[:2] == second[:2] and len(years) < 2)


def read_date(text: str) -> Date | None:
    for form in _FORMS:
        date = form.fullmatch(text)
        if date:
            month = _NAMES.get(date["month"].lower()) or (int(date["month"]) if date["month"].isdigit() else 0)
            day = int(date["day"])
            return Date(month, day, int(date["year"] or 0)) if 1 <= month <= 12 and 1 <= day <= 31 else None
    return None
