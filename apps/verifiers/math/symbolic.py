r"""Compares two expressions by Math-Verify and sympy: only for a child process that can be killed.

Importing this module takes a second.
"""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

from latex2sympy2_extended import NormalizationConfig, is_expr_of_only_symbols
from latex2sympy2_extended.logic import And
from math_verify import LatexExtractionConfig, parse, verify
from sympy import (
    Abs,
    Derivative,
    E,
    Eq,
    Expr,
    Float,
    I,
    Integral,
    Limit,
    Product,
    Rational,
    Subs,
    Sum,
    Symbol,
    nan,
    zoo,
)
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from apps.verifiers.base import GradeOutcome, match_if, unparsed
from apps.verifiers.math.quantities.numbers import NOISE, ROUNDED_DIGITS

# The parent enforces the time limit; Math-Verify's own alarm would cancel the child's. Disabling it logs a warning.
logging.getLogger("math_verify").setLevel(logging.ERROR)

_LATEX = LatexExtractionConfig(
    boxed_match_priority=-1,
    # Its unit removal would delete the m of 5m and the t of 3t; units are parsed in `quantities`.
    normalization_config=NormalizationConfig(
        # This rewrite would split a number after a brace: 16 into 1 and 6. The arguments have braces already.
        basic_latex=True,
        units=False,
        malformed_operators=False,
        nits=True,
        boxed="none",
        equations=False,
    ),
)
_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"°|%$", ""),
        # 2(3) would be parsed as the mixed number 2 + 3.
        (r"(?<![\d_^.{])(\d+(?:\.\d+)?)\s?\(", r"\1\\cdot ("),
        (r"\)\s?(?=\d)", r")\\cdot "),
        # 3/4 x would be parsed as 3/(4x).
        (r"(?<![\w.}^])(\d+)\s?/\s?(\d+)(?![\d.!^])", r"\\frac{\1}{\2}"),
    )
)
# What the parser would silently drop or misread: primes, dots, set builders, two numbers side by side.
_LOSSY = re.compile(r"'|\\[lcd]?dots|\\mid|\\prime|\{[^{}]*:[^{}]*\}|\d\s+\d|\d\s*\\frac\{[^{}]*[A-Za-z]")
_CAPITAL = re.compile(r"\\(?:mathbb|mathcal|text|begin|end)\s?\{[^{}]*\}|\\[A-Za-z]+|(?P<capital>[A-Z])(?P<index>_\{)?")
_CAPITAL_MARK = "977"
# Evaluating these takes numerical methods.
_LAZY = (Sum, Product, Integral, Limit, Derivative, Subs, AppliedUndef)
_POINT = tuple(Rational(prime, 11) for prime in (13, 17, 19, 23, 29, 31, 37, 41))
_DECIMAL = re.compile(r"-?(\d*)\.(\d+)")


def expressions_agree(reference: str, answer: str) -> GradeOutcome:
    """`unparsed` where either cannot be parsed, or is not a number (1/0)."""
    try:
        return _compare(reference, answer)
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        # Sympy reports its limits by many exceptions; none of them means that the answers differ.
        return unparsed(f"computer algebra failed: {type(error).__name__}")


def _compare(reference: str, answer: str) -> GradeOutcome:
    expected, actual = _parse(reference), _parse(answer)
    if expected is None or actual is None:
        return unparsed(f"the {'reference' if expected is None else 'answer'} could not be parsed")
    if _is_equation(expected) != _is_equation(actual) and not (_is_relation(expected) and _is_relation(actual)):
        # Math-Verify would compare the right side, and find that 5x - 7y + 4 = 0 is 0.
        return match_if(equal=False)
    if _are_numbers(expected, actual) and (expected.has(Float) or actual.has(Float)):
        first, second = expected.evalf(30), actual.evalf(30)
        if not (first.is_comparable and second.is_comparable):
            return match_if(equal=_verify(expected, actual))
        # By relative error, because Math-Verify rounds to six places: 0.0000671 would equal 0.0000672.
        tolerance = max(_step(reference), _step(answer), float(NOISE) * max(abs(first), abs(second)))
        return match_if(equal=bool(abs(first - second) <= tolerance))
    return match_if(equal=not _differ_at_a_point(expected, actual) and _verify(expected, actual))


def _verify(expected: Any, actual: Any) -> bool:
    options = {"float_rounding": 6, "allow_set_relation_comp": True, "timeout_seconds": None}
    agrees = bool(verify(expected, actual, **options))
    if agrees and _are_numbers(expected, actual) and expected != actual:
        # Math-Verify rounds to six places, at which all small numbers are equal.
        first, second = expected.evalf(30), actual.evalf(30)
        return not (first.is_comparable and second.is_comparable) or bool(
            abs(first - second) <= max(abs(first), abs(second)) * 1e-9
        )
    return agrees


@lru_cache(maxsize=512)
def _parse(latex: str) -> Any:
    """A sympy object, or None."""
    if _LOSSY.search(latex):
        return None
    for pattern, replacement in _REWRITES:
        latex = pattern.sub(replacement, latex)
    latex = _CAPITAL.sub(_marked_capital, latex)
    expressions = parse(f"${latex}$", [_LATEX], "no_fallback", "first_match", parsing_timeout=None)
    if not expressions or isinstance(expressions[0], str) or expressions[0].has(nan, zoo):
        return None
    expression = expressions[0]
    # i and e are numbers, and a letter is one symbol: the parser's assumptions vary with the spelling.
    constants = {"i": I, "e": E}
    changes = {
        symbol: constants.get(symbol.name) or Symbol(symbol.name, real=True)
        for symbol in expression.free_symbols
        if type(symbol) is Symbol and (symbol.name in constants or not symbol.is_real)
    }
    return expression.xreplace(changes) if changes else expression


def _marked_capital(match: re.Match[str]) -> str:
    """The parser treats upper and lower case letters as one symbol, so that R - r would be 0."""
    if match["capital"] is None:
        return match.group()
    mark = f"{match['capital'].lower()}_{{{_CAPITAL_MARK}"
    return mark if match["index"] else f"{mark}}}"


def _is_relation(expression: Any) -> bool:
    return isinstance(expression, Relational | And)


def _is_equation(expression: Any) -> bool:
    """Whether an equation constrains its letters, unlike x = 5, f(x) = 2x and 2 + 3 = 5, which name a value."""
    if not isinstance(expression, Eq) or isinstance(expression.lhs, AppliedUndef):
        return False
    return bool(expression.lhs.free_symbols) and not is_expr_of_only_symbols(expression.lhs)


def _differ_at_a_point(expected: Any, actual: Any) -> bool:
    """Whether two formulas differ at one point, and so everywhere. Takes 1 ms, where simplifying takes 100 ms."""
    if not (isinstance(expected, Expr) and isinstance(actual, Expr)) or expected.has(*_LAZY) or actual.has(*_LAZY):
        return False
    letters = sorted(expected.free_symbols | actual.free_symbols, key=str)
    if any(len(letter.name) > 1 and "_" not in letter.name for letter in letters) or len(letters) > len(_POINT):
        return False
    at = dict(zip(letters, _POINT, strict=False))
    first, second = (Abs(side.xreplace(at)).evalf(20) for side in (expected, actual))
    distance = Abs((expected - actual).xreplace(at)).evalf(20)
    if not (first.is_comparable and second.is_comparable and distance.is_comparable):
        return False
    # Cancellation may leave about 1e-20 of zero; smaller values are left to simplification.
    return bool(distance > (first + second) * 1e-9 and first + second > 1e-15)


def _are_numbers(expected: Any, actual: Any) -> bool:
    return isinstance(expected, Expr) and isinstance(actual, Expr) and bool(expected.is_number and actual.is_number)


def _step(latex: str) -> float:
    """The last place of a plain decimal of six significant digits or more, which may be rounded; else 0."""
    decimal = _DECIMAL.fullmatch(latex)
    if decimal is None or len("".join(decimal.groups()).lstrip("0")) < ROUNDED_DIGITS:
        return 0.0
    return float(Fraction(1, 10 ** len(decimal[2])))


def warm_up() -> None:
    """Parse once, so that building the parser's tables (a tenth of a second) counts towards no pair's limit."""
    expressions_agree(r"\frac{1}{2} + \sqrt{3}", r"\sqrt{3} + x^{2}")
