"""Computes the value of a formula at a point, to any number of digits.

`UndefinedValue` is raised outside the domain; over the real numbers this includes even roots of negative numbers.
Powers, factorials and binomials are bounded before they are computed, so that every evaluation takes time linear in the
formula.
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

# The bits of the integer part of a power: mpmath floats of that size are still cheap.
_MAX_BITS = 10**9
_MAX_ARGUMENT = 100_000
_MAX_FACTORIAL = 5_000
_MAX_BINOMIAL = 10**12


class UndefinedValue(ArithmeticError):
    """The formula has no value at this point."""


class ValueTooLarge(UndefinedValue):
    """The value is too large to be computed."""


class _Contexts(threading.local):
    """One mpmath context per thread and precision: a context changes its precision while it computes."""

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
    """Where and how a formula is evaluated. `log_base` is the base of a bare \\log; None is e."""

    letters: Mapping[str, Fraction]
    digits: int
    real: bool
    log_base: int | None = None


def evaluate(node: Node, setting: Setting) -> Any:
    """An mpmath number. Raises UndefinedValue outside the domain and for a value that is too large."""
    return _Evaluator(setting).value(node)


class _Evaluator:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        mp = self._mp = _contexts.of(setting.digits)
        self._operations: dict[str, Callable[..., Any]] = {
            "sum": lambda *terms: mp.fsum(terms),
            "negative": operator.neg,
            "product": lambda *factors: functools.reduce(operator.mul, factors),
            "quotient": operator.truediv,
            "abs": abs,
            "power": self._power,
            "root": self._root,
            "factorial": self._factorial,
            "binomial": self._binomial,
            "degrees": lambda value: value * mp.pi / 180,
            "log": self._logarithm,
            "ln": lambda value: self._logarithm(value, mp.e),
            "lg": lambda value: self._logarithm(value, 10),
            "exp": lambda value: self._power(mp.e, value),
            "floor": lambda value: mp.floor(self._snapped(value)),
            "ceil": lambda value: mp.ceil(self._snapped(value)),
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
            raise UndefinedValue("infinity in an operation")
        try:
            if name in self._operations:
                result = self._operations[name](*values)
            elif abs(values[0]) > _MAX_ARGUMENT:
                raise ValueTooLarge(f"the argument of {name} is too large")
            else:
                # The functions of angles, whose mpmath names resemble those of LaTeX.
                result = getattr(self._mp, name.replace("arc", "a"))(*values)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise UndefinedValue(str(error)) from error
        if self._mp.isnan(result):
            raise UndefinedValue("not a number")
        if isinstance(result, self._mp.mpc):
            if result.imag == 0:
                return result.real
            if self._setting.real:
                raise UndefinedValue("not a real number")
        return result

    def _is_negative(self, value: Any) -> bool:
        return not isinstance(value, self._mp.mpc) and bool(value < 0)

    def _power(self, base: Any, exponent: Any) -> Any:
        if base == 0:
            if isinstance(exponent, self._mp.mpc) or exponent <= 0:
                raise UndefinedValue("zero to a power that is not positive")
            return base
        if abs(exponent) * (abs(self._mp.log(abs(base), 2)) + 1) > _MAX_BITS:
            raise ValueTooLarge("the power is too large")
        if self._is_negative(base) and self._setting.real and not self._mp.isint(exponent):
            raise UndefinedValue("a fractional power of a negative number")
        return self._mp.power(base, int(exponent) if self._mp.isint(exponent) else exponent)

    def _root(self, degree: Any, value: Any) -> Any:
        if isinstance(degree, self._mp.mpc) or not self._mp.isint(degree) or not 1 <= degree <= 10_000:
            raise UndefinedValue("the degree of a root is a positive integer")
        if value == 0:
            return value
        if self._is_negative(value):
            if int(degree) % 2:
                return -self._mp.root(-value, int(degree))
            if self._setting.real:
                raise UndefinedValue("an even root of a negative number")
        return self._mp.root(value, int(degree))

    def _factorial(self, value: Any) -> Any:
        if isinstance(value, self._mp.mpc) or abs(value) > _MAX_FACTORIAL:
            raise ValueTooLarge("the factorial is too large")
        return self._mp.factorial(value)

    def _binomial(self, upper: Any, lower: Any) -> Any:
        if isinstance(upper, self._mp.mpc) or isinstance(lower, self._mp.mpc):
            raise UndefinedValue("a binomial of numbers that are not real")
        if abs(lower) > _MAX_FACTORIAL or abs(upper) > _MAX_BINOMIAL:
            raise ValueTooLarge("the binomial is too large")
        return self._mp.binomial(upper, lower)

    def _logarithm(self, value: Any, base: Any = None) -> Any:
        if base is None:
            base = self._setting.log_base
        if value == 0 or (self._setting.real and self._is_negative(value)):
            raise UndefinedValue("the logarithm of a number that is not positive")
        return self._mp.log(value) if base is None else self._mp.log(value) / self._mp.log(base)

    def _snapped(self, value: Any) -> Any:
        """The nearest integer if only rounding separates them, so that the floor of 3 is not 2."""
        near = self._mp.nint(value)
        return near if abs(value - near) < self._mp.mpf(10) ** (-self._setting.digits // 2) else value
