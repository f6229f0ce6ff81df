"""Looks up units of measure by name: SI with its prefixes, other common units, and their products and quotients.

A measure has a dimension (`m s^-1`) and the factor to its base unit. Symbols are case-sensitive where case
distinguishes two units (mW and MW); names are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """value in the base unit = value * factor + offset (only temperatures have an offset)."""

    dimension: Dimension
    factor: Fraction
    offset: Fraction = Fraction(0)


# Base unit; symbols and names; factor. A plural s is added automatically.
_TABLE: tuple[tuple[str, str, str], ...] = (
    ("s", "s sec second", "1"),
    ("s", "min minute mn", "60"),
    ("s", "h hr hour", "3600"),
    ("s", "d day", "86400"),
    ("s", "wk week", "604800"),
    ("month", "mo month", "1"),
    ("month", "yr y year", "12"),
    ("month", "decade", "120"),
    ("month", "century centuries", "1200"),
    ("m", "in inch inches", "0.0254"),
    ("m", "ft foot feet", "0.3048"),
    ("m", "yd yard", "0.9144"),
    ("m", "mi mile", "1609.344"),
    ("m2", "acre", "4046.8564224"),
    ("m2", "ha hectare", "10000"),
    ("kg", "oz ounce", "0.028349523125"),
    ("kg", "lb pound", "0.45359237"),
    ("kg", "t tonne", "1000"),
    ("ton", "ton", "1"),
    ("m3", "gal gallon", "0.003785411784"),
    ("m3", "qt quart", "0.000946352946"),
    ("m3", "pt pint", "0.000473176473"),
    ("m3", "cup", "0.0002365882365"),
    ("m3", "floz", "0.0000295735295625"),
    ("angle", "° deg degree", "1"),
    ("angle", "arcmin arcminute", "1/60"),
    ("angle", "arcsec arcsecond", "1/3600"),
    ("radian", "rad radian", "1"),
    ("revolution", "rev revolution", "1"),
    ("usd", "$ dollar usd buck", "1"),
    ("usd", "¢ cent", "1/100"),
    ("usd", "penny pennies", "1/100"),
    ("usd", "nickel", "1/20"),
    ("usd", "dime", "1/10"),
    ("eur", "€ euro eur", "1"),
    ("gbp", "£ pound gbp quid", "1"),
    ("jpy", "¥ yen jpy", "1"),
    ("cny", "yuan rmb cny", "1"),
    ("inr", "₹ rupee rs inr", "1"),
    ("bit", "bit", "1"),
    ("bit", "byte", "8"),
    ("am", "am a.m a.m.", "1"),
    ("pm", "pm p.m p.m.", "1"),
    ("temperature", "K kelvin", "1"),
)
# SI symbols, names, base unit, factor: all take prefixes.
_SI: tuple[tuple[str, str, str, str], ...] = (
    ("m", "meter metre", "m", "1"),
    ("g", "gram gramme", "kg", "1/1000"),
    ("L l", "liter litre", "m3", "1/1000"),
    ("s", "second", "s", "1"),
    ("N", "newton", "N", "1"),
    ("J", "joule", "J", "1"),
    ("W", "watt", "W", "1"),
    ("Wh", "watt-hour", "J", "3600"),
    ("V", "volt", "V", "1"),
    ("A", "ampere amp", "A", "1"),
    ("Hz", "hertz", "s-1", "1"),
    ("Pa", "pascal", "Pa", "1"),
    ("Ω Ω", "ohm", "Ω", "1"),
    ("F", "farad", "F", "1"),
    ("C", "coulomb", "C", "1"),
    ("T", "tesla", "T", "1"),
    ("mol", "mole", "mol", "1"),
    ("cal", "calorie", "cal", "1"),
    ("eV", "electronvolt", "eV", "1"),
    ("B", "byte", "bit", "8"),
    ("bar", "bar", "bar", "1"),
)
_PREFIXES = {
    "": ("", 0),
    "T": ("tera", 12),
    "G": ("giga", 9),
    "M": ("mega", 6),
    "k": ("kilo", 3),
    "h": ("hecto", 2),
    "d": ("deci", -1),
    "c": ("centi", -2),
    "m": ("milli", -3),
    "µ": ("micro", -6),
    "μ": ("micro", -6),
    "n": ("nano", -9),
    "p": ("pico", -12),
}
# Derived units in metres, kilograms and seconds, so that N m and J have the same dimension.
_BASES: dict[str, dict[str, int]] = {
    "m2": {"m": 2},
    "m3": {"m": 3},
    "s-1": {"s": -1},
    "N": {"kg": 1, "m": 1, "s": -2},
    "J": {"kg": 1, "m": 2, "s": -2},
    "W": {"kg": 1, "m": 2, "s": -3},
    "V": {"kg": 1, "m": 2, "s": -3, "A": -1},
    "Ω": {"kg": 1, "m": 2, "s": -3, "A": -2},
    "Pa": {"kg": 1, "m": -1, "s": -2},
    "C": {"A": 1, "s": 1},
}
_WHOLE = {
    "mph": "mile/hour",
    "kph": "kilometer/hour",
    "kmh": "kilometer/hour",
    "kmph": "kilometer/hour",
    "fps": "foot/second",
    "rpm": "revolution/minute",
    "kwh": "kWh",
    "cc": "cm^3",
    "fl oz": "floz",
    "fluid ounce": "floz",
    "ft-lb": "foot*pound",
}
_CELSIUS = re.compile(r"(?:°|deg(?:rees?)?)\s?\.?(?:c|celsius|centigrade)|celsius|centigrade", re.IGNORECASE)
_FAHRENHEIT = re.compile(r"(?:°|deg(?:rees?)?)\s?\.?(?:f|fahrenheit)|fahrenheit", re.IGNORECASE)
_CELSIUS_MEASURE = Measure((("temperature", 1),), Fraction(1), Fraction("273.15"))
_FAHRENHEIT_MEASURE = Measure((("temperature", 1),), Fraction(5, 9), Fraction("273.15") - Fraction(160, 9))
_FACTOR = re.compile(
    r"(?P<join>[*/·]|\bper\b|\ban?\b|)\s*(?P<kind>(?:square|sq|cubic|cu)\b\.?|)\s*"
    r"(?P<name>[A-Za-z°µμΩΩ$€£¥₹¢]+(?:-hours?)?)\.?\s*(?:\^\s?\{?\s?(?P<power>-?\d)\s?\}?|(?P<word>squared|cubed)\b|)\s*"
)
_KINDS = {"sq": 2, "cu": 3}


def _dimension(base: str) -> dict[str, int]:
    return _BASES.get(base, {base: 1})


def _build() -> tuple[
    dict[str, list[tuple[dict[str, int], Fraction]]], dict[str, list[tuple[dict[str, int], Fraction]]]
]:
    """The units by exact spelling, and by spelling in lower case."""
    exact: dict[str, list[tuple[dict[str, int], Fraction]]] = {}
    for base, names, factor in _TABLE:
        for name in names.split():
            plurals = (name, f"{name}s") if len(name) > 1 and not name.endswith(".") else (name,)
            for spelling in plurals:
                exact.setdefault(spelling, []).append((_dimension(base), Fraction(factor)))
    for symbols, names, base, factor in _SI:
        for prefix, (word, power) in _PREFIXES.items():
            entry = (_dimension(base), Fraction(factor) * Fraction(10) ** power)
            spellings = [prefix + symbol for symbol in symbols.split()]
            spellings += [word + name + plural for name in names.split() for plural in ("", "s")]
            if (prefix in {"k", "c", "m"} and symbols in {"m", "g"}) or symbols == "L l":
                spellings += [prefix + symbol + "s" for symbol in symbols.split() if prefix]
            for spelling in spellings:
                # 5 pm is a time of day, hardly ever a length.
                if spelling != "pm" and entry not in exact.setdefault(spelling, []):
                    exact[spelling].append(entry)
    folded: dict[str, list[tuple[dict[str, int], Fraction]]] = {}
    for spelling, entries in exact.items():
        folded.setdefault(spelling.lower(), []).extend(entries)
    return exact, folded


_EXACT, _FOLDED = _build()


@lru_cache(maxsize=4096)
def read_measures(name: str) -> tuple[Measure, ...]:
    """The measures that `name` may denote; none where a part of it is unknown."""
    name = " ".join(name.replace("\\cdot", "*").replace("\\times", "*").replace("\\mu", "µ").split())
    compact = name.strip(" ().")
    if _CELSIUS.fullmatch(compact):
        return (_CELSIUS_MEASURE,)
    if _FAHRENHEIT.fullmatch(compact):
        return (_FAHRENHEIT_MEASURE,)
    if compact in {"°", "degree", "degrees", "deg"}:
        return (Measure((("angle", 1),), Fraction(1)), _CELSIUS_MEASURE, _FAHRENHEIT_MEASURE)
    singular = compact.lower().removesuffix("s")
    compact = _WHOLE.get(compact.lower()) or _WHOLE.get(singular) or compact
    if compact in {"a.m", "p.m"}:
        compact = compact.replace(".", "")
    return _product(compact)


def _product(text: str) -> tuple[Measure, ...]:
    """Every combination of the meanings of the parts."""
    measures: list[tuple[dict[str, int], Fraction]] = [({}, Fraction(1))]
    position, below = 0, False
    while position < len(text):
        part = _FACTOR.match(text, position)
        if part is None or part.end() == position:
            return ()
        if bool(position) != bool(part["join"]) and not (position and not part["join"]):
            return ()
        below = part["join"] in {"/", "per", "a", "an"} or (below and part["join"] in {"*", "·"})
        power = int(
            part["power"] or {"squared": 2, "cubed": 3}.get(part["word"] or "", 0) or _KINDS.get(part["kind"][:2], 1)
        )
        entries = _EXACT.get(part["name"]) or _FOLDED.get(part["name"].lower()) or []
        exponent = -power if below else power
        measures = [_times(measure, entry, exponent) for measure in measures for entry in entries]
        position = part.end()
    return tuple(
        dict.fromkeys(
            Measure(tuple(sorted((base, power) for base, power in dimension.items() if power)), factor)
            for dimension, factor in measures
        )
    )


def _times(
    measure: tuple[dict[str, int], Fraction], entry: tuple[dict[str, int], Fraction], exponent: int
) -> tuple[dict[str, int], Fraction]:
    dimension = dict(measure[0])
    for base, power in entry[0].items():
        dimension[base] = dimension.get(base, 0) + power * exponent
    return dimension, measure[1] * entry[1] ** exponent
