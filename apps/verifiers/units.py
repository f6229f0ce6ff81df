"""Words behind a number: scale (million), percent, units that can contradict each other, and labels.

`18`, `18 dollars` and `$18` are one answer, and so are `18` and `18 ducks`; `5 cm` and `5 m` are two. So a unit
is compared only where both sides have one that is known here. Units are never converted into each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.verifiers.latex import untext

_ALIASES = {
    "millimeter": "mm millimetre millimetres millimeters",
    "centimeter": "cm cms centimetre centimetres centimeters",
    "meter": "m metre metres meters",
    "kilometer": "km kms kilometre kilometres kilometers",
    "inch": "in inches",
    "foot": "ft feet",
    "yard": "yd yards",
    "mile": "mi miles",
    "milligram": "mg milligrams",
    "gram": "g grams",
    "kilogram": "kg kgs kilograms",
    "ounce": "oz ounces",
    "pound": "lb lbs pounds £",
    "ton": "tons tonne tonnes",
    "milliliter": "ml millilitre millilitres milliliters",
    "liter": "l litre litres liters",
    "gallon": "gal gallons",
    "second": "s sec secs seconds",
    "minute": "min mins minutes",
    "hour": "h hr hrs hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "yr yrs years",
    "dollar": "dollars $ usd bucks",
    "cent": "cents ¢",
    "euro": "euros €",
    "rupee": "rupees ₹ rs",
    "yen": "¥",
    "degree": "degrees ° deg",
    "radian": "radians rad",
    "a.m.": "am a.m",
    "p.m.": "pm p.m",
}
_KNOWN = {alias: unit for unit, aliases in _ALIASES.items() for alias in (unit, *aliases.split())}
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PERCENT = {"%", "percent", "percentage", "pct"}
# Behind one of these words the number is not yet the answer: "5 less than x", "3 squared", "2 times 4".
_NOT_LABELS = frozenset(
    [
        "less",
        "than",
        "times",
        "plus",
        "minus",
        "squared",
        "cubed",
        "over",
        "to",
        "of",
        "and",
        "or",
        "by",
        "half",
        "divided",
        "multiplied",
        "if",
        "when",
    ]
)
_LABEL = re.compile(r"[A-Za-z¢°$€£¥₹%][A-Za-z ./'’¢°$€£¥₹%-]*")
_POWER = re.compile(r"\s?\^\s?\{?\s?(\d)\s?\}?$")


@dataclass(frozen=True, slots=True)
class Unit:
    """`known` is empty for a label, which says nothing that can be checked. `scale` multiplies the number."""

    known: str = ""
    scale: int = 1
    percent: bool = False


def read_unit(text: str, *, glued: bool = False) -> Unit | None:
    """The unit that `text` (cleaned, what stands behind a number) is, or None where it is something else.

    A single letter is a variable unless it is set as text: `5 m` is a product, `5\\text{ m}` a length.
    `glued` says that no space stands before it: `5cm` is a length, `5ab` a product.
    """
    body = untext(text).strip()
    if not body:
        return Unit()
    power = _POWER.search(body)
    words = (body[: power.start()] if power else body).strip(" ()").lower()
    if not _LABEL.fullmatch(words) or _is_algebra(words, text, glued=glued):
        return None
    return _unit_of(words.split(), power.group(1) if power else "")


def _is_algebra(words: str, text: str, *, glued: bool) -> bool:
    if "\\text" in text or not words[0].isalpha():
        return False
    return len(words) < 2 or (glued and words not in _KNOWN and words not in {"st", "nd", "rd", "th"})


def _unit_of(words: list[str], power: str) -> Unit | None:
    scale = 1
    while words and words[0] in _SCALES:
        scale *= _SCALES[words.pop(0)]
    if words and words[0] in _PERCENT:
        return Unit(scale=scale, percent=True)
    if _NOT_LABELS.intersection(words):
        return None
    known = _KNOWN.get(" ".join(words).rstrip("."), "")
    return Unit(known=f"{known}^{power}" if known and power else known, scale=scale)


def contradict(left: Unit, right: Unit) -> bool:
    return bool(left.known and right.known and left.known != right.known)
