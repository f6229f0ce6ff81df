r"""Are two expressions equal? By Math-Verify and sympy: only for a child process that can be killed.

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

from apps.verifiers.base import Outcome, either, unparsed
from apps.verifiers.math.quantities.numbers import NOISE, ROUNDED_DIGITS

# We kill; Math-Verify's own alarm would only cancel ours. It warns once that it is off.
logging.getLogger("math_verify").setLevel(logging.ERROR)

_LATEX = LatexExtractionConfig(
    boxed_match_priority=-1,
    # Its unit removal takes the m of 5m and the t of 3t: units are ours.
    normalization_config=NormalizationConfig(
        # It tears numbers behind a brace: 16 would be 1 and 6. Arguments have their braces when they come here.
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
        # 2(3) would be read as the mixed number 2 + 3.
        (r"(?<![\d_^.{])(\d+(?:\.\d+)?)\s?\(", r"\1\\cdot ("),
        (r"\)\s?(?=\d)", r")\\cdot "),
        # 3/4 x would be read as 3/(4x).
        (r"(?<![\w.}^])(\d+)\s?/\s?(\d+)(?![\d.!^])", r"\\frac{\1}{\2}"),
    )
)
# What the parser would drop or misread without a word: primes, dots, set builders, two numbers side by side.
_LOSSY = re.compile(r"'|\\[lcd]?dots|\\mid|\\prime|\{[^{}]*:[^{}]*\}|\d\s+\d|\d\s*\\frac\{[^{}]*[A-Za-z]")
_CAPITAL = re.compile(r"\\(?:mathbb|mathcal|text|begin|end)\s?\{[^{}]*\}|\\[A-Za-z]+|(?P<capital>[A-Z])(?P<index>_\{)?")
_CAPITAL_MARK = "977"
# Their values take numerical methods to find.
_LAZY = (Sum, Product, Integral, Limit, Derivative, Subs, AppliedUndef)
_POINT = tuple(Rational(prime, 11) for prime in (13, 17, 19, 23, 29, 31, 37, 41))
_DECIMAL = re.compile(r"-?(\d*)\.(\d+)")


def expressions_agree(reference: str, answer: str) -> Outcome:
    """`unparsed` where either is not understood, or is no number at all (1/0)."""
    try:
        return _compare(reference, answer)
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        # What sympy cannot do it says in many ways; none of them says that the answers differ.
        return unparsed(f"computer algebra failed: {type(error).__name__}")


def _compare(reference: str, answer: str) -> Outcome:
    gold, given = _parse(reference), _parse(answer)
    if gold is None or given is None:
        return unparsed(f"the {'reference' if gold is None else 'answer'} is not understood")
    if _is_equation(gold) != _is_equation(given) and not (_is_relation(gold) and _is_relation(given)):
        # Math-Verify would take the right side, and find that 5x - 7y + 4 = 0 is 0.
        return either(equal=False)
    if _are_numbers(gold, given) and (gold.has(Float) or given.has(Float)):
        return either(equal=_numbers_agree(gold, given, reference, answer))
    return either(equal=not _differ_at_a_point(gold, given) and _verify(gold, given))


def _verify(gold: Any, given: Any) -> bool:
    options = {"float_rounding": 6, "allow_set_relation_comp": True, "timeout_seconds": None}
    agrees = bool(verify(gold, given, **options))
    if agrees and _are_numbers(gold, given) and gold != given:
        # It rounds to six places, at which all small numbers are the same.
        left, right = gold.evalf(30), given.evalf(30)
        return not (left.is_comparable and right.is_comparable) or bool(
            abs(left - right) <= max(abs(left), abs(right)) * 1e-9
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
    found = parse(f"${latex}$", [_LATEX], "no_fallback", "first_match", parsing_timeout=None)
    if not found or isinstance(found[0], str) or found[0].has(nan, zoo):
        return None
    return _one_alphabet(found[0])


def _marked_capital(match: re.Match[str]) -> str:
    """The parser takes large and small letters for one symbol, so that R - r would be 0."""
    if match["capital"] is None:
        return match.group()
    mark = f"{match['capital'].lower()}_{{{_CAPITAL_MARK}"
    return mark if match["index"] else f"{mark}}}"


def _one_alphabet(expression: Any) -> Any:
    """i and e are numbers, and a letter is one symbol: the parser's assumptions vary with the spelling."""
    constants = {"i": I, "e": E}
    changes = {
        symbol: constants.get(symbol.name) or Symbol(symbol.name, real=True)
        for symbol in expression.free_symbols
        if type(symbol) is Symbol and (symbol.name in constants or not symbol.is_real)
    }
    return expression.xreplace(changes) if changes else expression


def _is_relation(expression: Any) -> bool:
    return isinstance(expression, Relational | And)


def _is_equation(expression: Any) -> bool:
    """An equation that binds its letters, unlike x = 5, f(x) = 2x and 2 + 3 = 5, which name what they give."""
    if not isinstance(expression, Eq) or isinstance(expression.lhs, AppliedUndef):
        return False
    return bool(expression.lhs.free_symbols) and not is_expr_of_only_symbols(expression.lhs)


def _differ_at_a_point(gold: Any, given: Any) -> bool:
    """Two formulas that differ at one point differ. Says so in a millisecond; simplifying takes a hundred."""
    if not (isinstance(gold, Expr) and isinstance(given, Expr)) or gold.has(*_LAZY) or given.has(*_LAZY):
        return False
    letters = sorted(gold.free_symbols | given.free_symbols, key=str)
    if any(len(letter.name) > 1 and "_" not in letter.name for letter in letters) or len(letters) > len(_POINT):
        return False
    at = dict(zip(letters, _POINT, strict=False))
    left, right = (Abs(side.xreplace(at)).evalf(20) for side in (gold, given))
    apart = Abs((gold - given).xreplace(at)).evalf(20)
    if not (left.is_comparable and right.is_comparable and apart.is_comparable):
        return False
    # Cancellation may leave some 1e-20 of nothing; what is smaller is for simplification to tell.
    return bool(apart > (left + right) * 1e-9 and left + right > 1e-15)


def _are_numbers(gold: Any, given: Any) -> bool:
    return isinstance(gold, Expr) and isinstance(given, Expr) and bool(gold.is_number and given.is_number)


def _numbers_agree(gold: Any, given: Any, reference: str, answer: str) -> bool:
    """By relative error, where Math-Verify rounds to six places: 0.0000671 would be 0.0000672."""
    left, right = gold.evalf(30), given.evalf(30)
    if not (left.is_comparable and right.is_comparable):
        return _verify(gold, given)
    difference = abs(left - right)
    tolerance = max(_step(reference), _step(answer), float(NOISE) * max(abs(left), abs(right)))
    return bool(difference <= tolerance)


def _step(latex: str) -> float:
    """The last place of a plain decimal of six significant digits or more, which may be rounded; else 0."""
    decimal = _DECIMAL.fullmatch(latex)
    if decimal is None or len("".join(decimal.groups()).lstrip("0")) < ROUNDED_DIGITS:
        return 0.0
    return float(Fraction(1, 10 ** len(decimal[2])))


def warm_up() -> None:
    """The first parse builds the parser's tables: a tenth of a second that no pair should be charged for."""
    expressions_agree(r"\frac{1}{2} + \sqrt{3}", r"\sqrt{3} + x^{2}")
