"""`numeric`: compares two numbers by exact decimal and fraction arithmetic.

Thousands commas, money, percent signs, units, fractions and powers of ten are parsed; prose is not. Numbers must be
equal, with two allowances: a decimal of six significant digits or more may differ by less than one unit of its last
place from a number without a finite decimal expansion (0.333333 is 1/3), and a relative error of 1e-12 covers binary
floating-point noise (17.999999999999996 is 18).
"""

from __future__ import annotations

from functools import lru_cache

from apps.verifiers.base import GradeOutcome, Verifier, unparsed
from apps.verifiers.latex.normalize import MAX_CHARACTERS, clean
from apps.verifiers.math.quantities.numbers import Quantity, compare_quantities, read_measure, read_quantity
from apps.verifiers.math.structure import read_shape


def quick(reference: str, answer: str) -> GradeOutcome:
    expected, actual = _read(reference), _read(answer)
    if expected is None or actual is None:
        return unparsed(f"the {'reference' if expected is None else 'answer'} is not a number")
    return compare_quantities(expected, actual)


@lru_cache(maxsize=1024)
def _read(text: str) -> Quantity | None:
    if len(text) > MAX_CHARACTERS:
        return None
    cleaned = clean(text)
    return read_measure(cleaned) or read_quantity(read_shape(cleaned).text)


NUMERIC = Verifier(name="numeric", version="2", quick=quick)
