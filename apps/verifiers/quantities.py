"""Plain numbers: what can be read and compared exactly without computer algebra.

Integers, decimals, thousands commas, fractions, mixed numbers, powers of ten, repeating decimals; each with a
sign, money, a percent sign or a unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from apps.verifiers.latex import CURRENCY
from apps.verifiers.units import Unit, contradict, read_unit

# A longer number is not an answer but an attack on the one who multiplies it out.
MAX_DIGITS = 400
# From so many significant digits on, a decimal may stand for a number that has no finite decimal.
ROUNDED_DIGITS = 6
# What binary floating point leaves behind: 17.999999999999996 is 18.
NOISE = Fraction(1, 10**12)
_NOISY_DIGITS = 15

_NUMBER = r"(?:\d{1,3}(?:(?:,\d{3})+|(?:[ ]\d{3})+)(?!\d)|\d+)(?:\.\d*)?|\.\d+"
_QUANTITY = re.compile(
    rf"""
    (?P<sign>[+-]?) \s* (?P<money>(?:(?:US\s?)?[{CURRENCY}])?) \s* (?P<sign2>[+-]?) \s*
    (?: (?:(?P<whole>\d+)\s*)? \\frac\s*\{{\s*(?P<top>[+-]?\s*(?:{_NUMBER}))\s*\}}\s*\{{\s*(?P<bottom>{_NUMBER})\s*\}}
      | (?:(?P<whole2>\d+)\s+)? (?P<top2>{_NUMBER}) \s*/\s* (?P<bottom2>{_NUMBER}) (?![\d.])
      | (?P<decimal>\d*\.\d*) \\overline\s*\{{\s*(?P<repeat>\d+)\s*\}}
      | (?P<number>{_NUMBER})
        (?: \s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*\{{?\s*(?P<power>[+-]?\d+)\s*\}}? | [eE](?P<power2>[+-]?\d+)(?!\w) )?
    )
    (?P<space>\s*) (?P<rest>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """`digits` and `step` describe a number written as a decimal: its significant digits, its last place.

    `step` is 0 for anything that was written exactly.
    """

    value: Fraction
    latex: str
    digits: int = 0
    step: Fraction = Fraction(0)
    unit: Unit = Unit()


def read_quantity(cleaned: str) -> Quantity | None:
    """The number that a cleaned answer is, or None where it is anything else."""
    if cleaned.lower() in _WORDS:
        number = _WORDS.index(cleaned.lower())
        return Quantity(value=Fraction(number), latex=str(number))
    parts = _QUANTITY.fullmatch(cleaned)
    if parts is None or sum(map(str.isdigit, cleaned)) > MAX_DIGITS:
        return None
    unit = _unit(parts)
    return _quantity(parts, unit) if unit else None


def quantities_agree(left: Quantity, right: Quantity) -> bool:
    """50%, 50 and 0.5: a percent sign that one side leaves out is either forgotten or worked in."""
    if contradict(left.unit, right.unit):
        return False
    if numbers_agree(left, right):
        return True
    if left.unit.percent == right.unit.percent:
        return False
    return numbers_agree(_as_share(left), _as_share(right))


def numbers_agree(left: Quantity, right: Quantity) -> bool:
    """Equal; or one is the other rounded to six digits or more where it has no end, as 0.333333 is 1/3."""
    difference = abs(left.value - right.value)
    if not difference:
        return True
    if max(left.digits, right.digits) >= _NOISY_DIGITS:
        return difference <= NOISE * max(abs(left.value), abs(right.value))
    return _rounds(left, right, difference) or _rounds(right, left, difference)


def _rounds(decimal: Quantity, exact: Quantity, difference: Fraction) -> bool:
    return decimal.digits >= ROUNDED_DIGITS and difference < decimal.step and not _terminates(exact.value)


def _terminates(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _as_share(quantity: Quantity) -> Quantity:
    if not quantity.unit.percent:
        return quantity
    return Quantity(value=quantity.value / 100, latex=quantity.latex, digits=quantity.digits, step=quantity.step / 100)


def _unit(parts: re.Match[str]) -> Unit | None:
    unit = read_unit(parts["rest"], glued=not parts["space"])
    money = parts["money"].removeprefix("US").strip()
    if unit is None or not money:
        return unit
    named = read_unit(money) or Unit()
    return None if contradict(named, unit) else Unit(known=named.known, scale=unit.scale, percent=unit.percent)


def _quantity(parts: re.Match[str], unit: Unit) -> Quantity | None:
    sign = -1 if "-" in parts["sign"] + parts["sign2"] else 1
    if parts["number"] is not None:
        return _decimal(parts, sign, unit)
    if parts["repeat"] is not None:
        return _exact(sign * _repeating(parts["decimal"], parts["repeat"]), unit)
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


def _repeating(decimal: str, repeat: str) -> Fraction:
    places = len(decimal.partition(".")[2])
    start = Fraction(decimal) if decimal != "." else Fraction(0)
    return start + Fraction(int(repeat), (10 ** len(repeat) - 1) * 10**places)
