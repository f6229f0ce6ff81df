"""The value of a formula at a point, to any number of digits.

Out of the domain `Undefined` is raised: over the real numbers, the root of a negative number and its like are not
defined either. Powers, factorials and binomials are bounded before they are computed, so that every value is found in
time linear in the formula.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath

from apps.verifiers.math.formulas.parser import Constant, Letter, Node, Number, Operation

# The exponent of a power, counted in bits of the result: a float of any size is cheap as long as its exponent is.
_MAX_BITS = 10**9
_MAX_ARGUMENT = 100_000
_MAX_FACTORIAL = 5_000
_MAX_BINOMIAL = 10**12


class Undefined(ArithmeticError):
    """The formula has no value here."""


class TooLarge(Undefined):
    """The value is not computed, for its size."""


class _Contexts(threading.local):
    """mpmath changes the precision of its context while it computes, so each thread has its own."""

    def __init__(self) -> None:
        self.by_digits: dict[int, Any] = {}

    def of(self, digits: int) -> Any:
        if digits not in self.by_digits:
            context = mpmath.MPContext()
            context.dps = digits
            self.by_digits[digits] = context
        return self.by_digits[digits]


_contexts = _Contexts()


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a formula is evaluated. `log_base` is that of a bare \\log; None is the natural one."""

    letters: Mapping[str, Fraction]
    digits: int
    real: bool
    log_base: int | None = None


def evaluate(node: Node, setting: Setting) -> Any:
    """An mpmath number. Raises Undefined."""
    return _Evaluator(setting).value(node)


class _Evaluator:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._mp = _contexts.of(setting.digits)
        self._operations: dict[str, Callable[..., Any]] = {
            "sum": self._sum,
            "negative": operator.neg,
            "product": self._product,
            "quotient": operator.truediv,
            "abs": abs,
            "power": self._power,
            "root": self._root,
            "factorial": self._factorial,
            "binomial": self._binomial,
            "degrees": self._degrees,
            "log": self._logarithm,
            "ln": self._natural,
            "lg": self._decadic,
            "exp": self._exponential,
            "floor": self._floor,
            "ceil": self._ceiling,
        }

    def value(self, node: Node) -> Any:
        match node:
            case Number(value):
                return self._rational(value)
            case Letter(name):
                return self._rational(self._setting.letters[name])
            case Constant(name):
                return {"pi": +self._mp.pi, "e": +self._mp.e, "i": self._mp.mpc(0, 1), "infty": self._mp.inf}[name]
            case Operation(name, operands):
                return self._apply(name, operands)

    def _rational(self, value: Fraction) -> Any:
        return self._mp.mpf(value.numerator) / value.denominator

    def _apply(self, name: str, operands: tuple[Node, ...]) -> Any:
        values = [self.value(operand) for operand in operands]
        if name not in {"sum", "negative", "product", "abs"} and any(not self._mp.isfinite(value) for value in values):
            raise Undefined("infinity in an operation")
        try:
            operation = self._operations.get(name)
            result = operation(*values) if operation else self._transcendental(name, *values)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise Undefined(str(error)) from error
        if self._mp.isnan(result):
            raise Undefined("not a number")
        return self._settled(result)

    def _settled(self, value: Any) -> Any:
        if isinstance(value, self._mp.mpc):
            if value.imag == 0:
                return value.real
            if self._setting.real:
                raise Undefined("not a real number")
        return value

    def _is_negative(self, value: Any) -> bool:
        return not isinstance(value, self._mp.mpc) and bool(value < 0)

    def _sum(self, *terms: Any) -> Any:
        return self._mp.fsum(terms)

    def _product(self, *factors: Any) -> Any:
        return functools.reduce(operator.mul, factors)

    def _power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            if isinstance(exponent, self._mp.mpc) or exponent <= 0:
                raise Undefined("zero to a power that is not positive")
            return base
        if abs(exponent) * (abs(self._mp.log(abs(base), 2)) + 1) > _MAX_BITS:
            raise TooLarge("the power is too large")
        if self._is_negative(base) and self._setting.real and not self._mp.isint(exponent):
            raise Undefined("a broken power of a negative number")
        return self._mp.power(base, int(exponent) if self._mp.isint(exponent) else exponent)

    def _root(self, degree: Any, value: Any) -> Any:
        if isinstance(degree, self._mp.mpc) or not self._mp.isint(degree) or not 1 <= degree <= 10_000:
            raise Undefined("the degree of a root is a positive integer")
        if value == 0:
            return value
        if self._is_negative(value):
            if int(degree) % 2:
                return -self._mp.root(-value, int(degree))
            if self._setting.real:
                raise Undefined("an even root of a negative number")
        return self._mp.root(value, int(degree))

    def _factorial(self, value: Any) -> Any:
        if isinstance(value, self._mp.mpc) or abs(value) > _MAX_FACTORIAL:
            raise TooLarge("the factorial is too large")
        return self._mp.factorial(value)

    def _binomial(self, upper: Any, lower: Any) -> Any:
        if isinstance(upper, self._mp.mpc) or isinstance(lower, self._mp.mpc):
            raise Undefined("a binomial of numbers that are not real")
        if abs(lower) > _MAX_FACTORIAL or abs(upper) > _MAX_BINOMIAL:
            raise TooLarge("the binomial is too large")
        return self._mp.binomial(upper, lower)

    def _degrees(self, value: Any) -> Any:
        return value * self._mp.pi / 180

    def _logarithm(self, value: Any, base: Any = None) -> Any:
        if base is None:
            base = self._setting.log_base
        if value == 0 or (self._setting.real and self._is_negative(value)):
            raise Undefined("the logarithm of a number that is not positive")
        return self._mp.log(value) if base is None else self._mp.log(value) / self._mp.log(base)

    def _natural(self, value: Any) -> Any:
        return self._logarithm(value, self._mp.e)

    def _decadic(self, value: Any) -> Any:
        return self._logarithm(value, 10)

    def _exponential(self, value: Any) -> Any:
        return self._power(self._mp.e, value)

    def _transcendental(self, name: str, value: Any) -> Any:
        """The functions of angles, which mpmath names as LaTeX does or nearly so."""
        if abs(value) > _MAX_ARGUMENT:
            raise TooLarge(f"the argument of {name} is too large")
        return getattr(self._mp, name.replace("arc", "a"))(value)

    def _floor(self, value: Any) -> Any:
        return self._mp.floor(self._snapped(value))

    def _ceiling(self, value: Any) -> Any:
        return self._mp.ceil(self._snapped(value))

    def _snapped(self, value: Any) -> Any:
        """An integer that rounding has moved is put back: the floor of 3 is not 2."""
        near = self._mp.nint(value)
        return near if abs(value - near) < self._mp.mpf(10) ** (-self._setting.digits // 2) else value
