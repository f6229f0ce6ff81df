"""Parses plain numbers and compares them exactly, without computer algebra.

Integers, decimals, thousands commas, fractions, mixed numbers, powers of ten, repeating decimals, numbers in words;
each with a sign, money, a percent sign or a unit. Measurements in several units (`6 ft 2 in`) become one number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, match_if, unparsed
from apps.verifiers.latex.normalize import CURRENCY, untext
from apps.verifiers.math.quantities.measures import Measure, read_measures
from apps.verifiers.math.quantities.number_words import read_number_words
from apps.verifiers.math.quantities.units import Likeness, Unit, common_measures, likeness, read_letter_unit, read_unit

# A longer number is not an answer; multiplying it out could exhaust the process.
MAX_DIGITS = 400
# With this many significant digits, a decimal may represent a number without a finite decimal expansion.
ROUNDED_DIGITS = 6
# The relative error of binary floating point: 17.999999999999996 is 18.
NOISE = Fraction(1, 10**12)
NOISY_DIGITS = 15

_NUMBER = r"(?:\d{1,3}(?:(?:,\d{3})+|(?:[ ]\d{3})+)(?!\d)|\d+)(?:\.\d*)?|\.\d+"
_QUANTITY = re.compile(
    rf"""
    (?P<sign>[+-]?) \s* (?P<money>(?:(?:US\s?)?[{CURRENCY}])?) \s* (?P<sign2>[+-]?) \s*
    (?: (?:(?P<whole>\d+)\s*)? \\frac\s*\{{\s*(?P<top>[+-]?\s*(?:{_NUMBER}))\s*\}}\s*\{{\s*(?P<bottom>{_NUMBER})\s*\}}
      | (?:(?P<whole2>\d+)\s+)? (?P<top2>{_NUMBER}) \s*/\s* (?P<bottom2>{_NUMBER}) (?![\d.])
      | (?P<decimal>\d*\.\d*) (?: \\(?:overline|bar|dot)\s*\{{\s*(?P<repeat>\d+)\s*\}} | (?<=\.)\((?P<repeat2>\d+)\)
                                | (?P<dots>\.\.\.|\s*\\[lc]?dots(?![A-Za-z])) )
      | (?P<number>{_NUMBER})
        (?: \s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*\{{?\s*(?P<power>[+-]?\d+)\s*\}}? | [eE](?P<power2>[+-]?\d+)(?!\w) )?
    )
    (?P<space>\s*) (?P<rest>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_CYCLE = re.compile(r"(\d*?)(?:(\d)\2{2,}|(\d{2,}?)\3+)")
_PIECE = re.compile(
    rf"\s*(?:,|and\b)?\s*(?P<money>[$€£]?)\s*(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-z°.]+|''|[\"'])?(?=[\s,\d]|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit. `digits` and `step` are a decimal's significant digits and its last place.

    `step` is 0 for a number that is exact. A `compound` is a measurement in several units.
    """

    value: Fraction
    latex: str
    digits: int = 0
    step: Fraction = Fraction(0)
    unit: Unit = Unit()
    compound: bool = False


def read_quantity(cleaned: str) -> Quantity | None:
    """The number of a cleaned answer, or None where it is anything else."""
    parts = _QUANTITY.fullmatch(cleaned)
    if parts is None:
        return _read_words(untext(cleaned) if "\\text" in cleaned else cleaned)
    if sum(map(str.isdigit, cleaned)) > MAX_DIGITS:
        return None
    unit = _unit(parts)
    if unit is None:
        return None
    return _quantity(parts, unit)


def read_measure(cleaned: str) -> Quantity | None:
    """`6 ft 2 in`, `2 h 30 min`, `30° 15'`: several units of one dimension, each smaller than the one before."""
    if sum(map(str.isdigit, cleaned)) > MAX_DIGITS:
        return None
    text = " ".join(untext(cleaned).split())
    pieces: list[tuple[Fraction, tuple[Measure, ...]]] = []
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None or bool(piece["money"]) == bool(piece["unit"]):
            return None
        is_angle = bool(pieces) and any(measure.dimension == (("angle", 1),) for measure in pieces[0][1])
        primes = {"'": "arcmin", "''": "arcsec", '"': "arcsec"} if is_angle else {"'": "ft", "''": "in", '"': "in"}
        name = piece["money"] or piece["unit"]
        pieces.append((_number(piece["number"]), read_measures(primes.get(name, name))))
        position = piece.end()
    for dimension in {measure.dimension for measure in pieces[0][1]} if len(pieces) > 1 else ():
        candidates = [
            next(
                (measure.factor for measure in measures if measure.dimension == dimension and not measure.offset), None
            )
            for _, measures in pieces
        ]
        factors = [factor for factor in candidates if factor is not None]
        if len(factors) == len(pieces) and factors == sorted(set(factors), reverse=True):
            value = sum((number * factor for (number, _), factor in zip(pieces, factors, strict=True)), Fraction(0))
            unit = Unit(measures=(Measure(dimension, Fraction(1)),))
            return Quantity(value=value, latex=_latex(value), unit=unit, compound=True)
    return None


def compare_quantities(first: Quantity, second: Quantity) -> GradeOutcome:
    """Equal in a common unit. If one side has no percent sign, 50% equals 50 and 0.5."""
    if first.compound != second.compound and not (first.unit.measures and second.unit.measures):
        return unparsed("a measurement in several units is compared with a number without a unit")
    alike = likeness(first.unit, second.unit)
    if alike is Likeness.CONTRADICTORY:
        return NO_MATCH
    common = common_measures(first.unit, second.unit)
    if common:
        return match_if(
            equal=any(
                numbers_agree(_in_base_unit(first, measure), _in_base_unit(second, other)) for measure, other in common
            )
        )
    if numbers_agree(first, second):
        return MATCH if alike is Likeness.COMPARABLE else unparsed("the units cannot be compared")
    if first.unit.percent == second.unit.percent:
        return NO_MATCH
    return match_if(equal=numbers_agree(_as_share(first), _as_share(second)))


def _in_base_unit(quantity: Quantity, measure: Measure) -> Quantity:
    value = quantity.value * measure.factor + measure.offset
    return replace(quantity, value=value, step=quantity.step * measure.factor)


def numbers_agree(first: Quantity, second: Quantity) -> bool:
    """Equal, or one is a decimal of six digits or more, rounded from a number without a finite decimal expansion."""
    difference = abs(first.value - second.value)
    if not difference:
        return True
    if max(first.digits, second.digits) >= NOISY_DIGITS:
        return difference <= NOISE * max(abs(first.value), abs(second.value))
    return _rounds(first, second, difference) or _rounds(second, first, difference)


def _rounds(decimal: Quantity, exact: Quantity, difference: Fraction) -> bool:
    if decimal.digits < ROUNDED_DIGITS or difference >= decimal.step:
        return False
    rest = exact.value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1


def _as_share(quantity: Quantity) -> Quantity:
    if not quantity.unit.percent:
        return quantity
    return Quantity(value=quantity.value / 100, latex=quantity.latex, digits=quantity.digits, step=quantity.step / 100)


def _read_words(text: str) -> Quantity | None:
    """A number in words and its unit."""
    if not text[:1].isalpha():
        return None
    number = read_number_words(text)
    if number is None or (number.length < len(text) and not text[number.length].isspace()):
        return None
    rest = text[number.length :].strip()
    unit = None if read_number_words(rest) else read_unit(rest)
    return None if unit is None else _exact(number.value, unit)


def _unit(parts: re.Match[str]) -> Unit | None:
    """The unit after the number or the currency before it; None where they contradict each other."""
    rest, space = parts["rest"], bool(parts["space"])
    unit = read_unit(rest, glued=not space)
    if unit is None and space:
        unit = read_letter_unit(rest)
    money = parts["money"].removeprefix("US").strip()
    if unit is None or not money:
        return unit
    currency = read_unit(money) or Unit()
    contradictory = unit.measures and not common_measures(currency, unit)
    return None if contradictory else replace(unit, label="", measures=currency.measures)


def _quantity(parts: re.Match[str], unit: Unit) -> Quantity | None:
    """The number of a match: a decimal, a repeating decimal, a fraction or a mixed number."""
    sign = -1 if (parts["sign"] + parts["sign2"]).count("-") == 1 else 1
    if parts["number"] is not None:
        return _decimal(parts, sign, unit)
    if parts["decimal"] is not None:
        value = _repeating(parts)
        return None if value is None else _exact(sign * value, unit)
    bottom = _number(parts["bottom"] or parts["bottom2"])
    if not bottom:
        return None
    whole = int(parts["whole"] or parts["whole2"] or 0)
    return _exact(sign * (whole + _number(parts["top"] or parts["top2"]) / bottom), unit)


def _decimal(parts: re.Match[str], sign: int, unit: Unit) -> Quantity | None:
    text = _digits(parts["number"])
    power = int(parts["power"] or parts["power2"] or 0)
    if abs(power) > MAX_DIGITS:
        return None
    factor = Fraction(10) ** power * unit.scale
    value = sign * Fraction(text) * factor
    places = text.partition(".")[2]
    if not places:
        return _exact(value / unit.scale, unit)
    latex = _latex(value) if factor != 1 else ("-" if sign < 0 else "") + text
    digits = len(text.replace(".", "").lstrip("0"))
    return Quantity(value=value, latex=latex, digits=digits, step=factor / 10 ** len(places), unit=unit)


def _exact(value: Fraction, unit: Unit) -> Quantity:
    return Quantity(value=value * unit.scale, latex=_latex(value * unit.scale), unit=unit)


def _latex(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _number(text: str) -> Fraction:
    return Fraction(_digits(text))


def _digits(text: str) -> str:
    return text.replace(",", "").replace(" ", "")


def _repeating(parts: re.Match[str]) -> Fraction | None:
    r"""`0.1\overline{6}`; in `0.1666...` the digits themselves must show the cycle."""
    decimal, repeat = parts["decimal"], parts["repeat"] or parts["repeat2"]
    if repeat is None:
        whole, _, digits = decimal.partition(".")
        cycle = _CYCLE.fullmatch(digits)
        if cycle is None:
            return None
        decimal, repeat = f"{whole}.{cycle[1]}", cycle[2] or cycle[3]
    places = len(decimal.partition(".")[2])
    start = Fraction(decimal) if decimal != "." else Fraction(0)
    return start + Fraction(int(repeat), (10 ** len(repeat) - 1) * 10**places)
