r"""Parses one LaTeX formula as a tree: numbers, letters, operations.

The grammar is that of answers and stays small on purpose: `UnreadableFormula` is raised for everything that it does not
cover (sums, integrals, named functions such as `f(x)`), and for ambiguous formulas (`x/2y`, `\ln 2/3`).
Letters are case-sensitive. Linear in the text; nesting is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

MAX_DEPTH = 40
MAX_DIGITS = 400
MAX_TOKENS = 400
_MAX_SLASHES = 20


class UnreadableFormula(ValueError):
    """The formula is outside the grammar."""


class FormulaTooComplex(UnreadableFormula):
    """The formula is longer or nested more deeply than answers are."""


class AmbiguousFormula(UnreadableFormula):
    """The formula has two customary readings."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Letter:
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """`pi`, `e`, `i` or `infty`."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    operands: tuple[Node, ...]


Node = Number | Letter | Constant | Operation

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<command>\\[A-Za-z]+|\\[{}|])|(?P<sign>\S))")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_SPACED_NUMBERS = re.compile(r"[\d.]\s+[\d.]")
_DERIVATIVE = re.compile(r"\\frac\s?\{\s?d\s?[A-Za-z]?\s?\}\s?\{\s?d\s?[A-Za-z]\s?\}")
_CONSTANTS = {"i": "i", "e": "e", "\\pi": "pi", "\\infty": "infty", "\\imath": "i"}
_GREEK = re.compile(
    "alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda|mu|nu|xi|rho|sigma|tau|upsilon|(?:var)?phi|chi"
    "|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell"
)
_INVERSES = {name: f"arc{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc")}
_FUNCTIONS = frozenset(
    [*_INVERSES, *_INVERSES.values(), "sinh", "cosh", "tanh", "coth", "sech", "csch", "log", "ln", "lg", "exp"]
)
_TIMES = frozenset(["*", "\\cdot", "\\times", "\\ast"])
_OVER = frozenset(["/", "\\div"])
_PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "\\{": "\\}",
    "\\lfloor": "\\rfloor",
    "\\lceil": "\\rceil",
    "\\lvert": "\\rvert",
}
_BARS = frozenset(["|", "\\|"])
_WRAPPERS = {"\\lfloor": "floor", "\\lceil": "ceil", "\\lvert": "abs"}
# Letters that name functions: f(2x) is not the product of f and 2x.
_FUNCTION_LETTERS = frozenset("fghFGH")


def read_formula(latex: str) -> Node:
    """The tree of a formula. Raises UnreadableFormula and its subclasses."""
    if _SPACED_NUMBERS.search(latex) or _DERIVATIVE.search(latex):
        raise UnreadableFormula("two numbers side by side, or a derivative")
    text = _GROUPED.sub(lambda group: group.group().replace(",", ""), latex)
    if sum(map(str.isdigit, text)) > MAX_DIGITS:
        raise FormulaTooComplex(f"a formula of more than {MAX_DIGITS} digits")
    tokens = [token.group().strip() for token in _TOKEN.finditer(text)]
    if len(tokens) > MAX_TOKENS:
        raise FormulaTooComplex(f"a formula of more than {MAX_TOKENS} signs")
    return _Parser(tokens).formula()


def subnodes(node: Node) -> Iterator[Node]:
    """`node` and all nodes below it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Operation):
            waiting += part.operands


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._bars = 0

    def formula(self) -> Node:
        node = self._sum()
        if self._next():
            raise UnreadableFormula(f"{self._next()!r} is not part of a formula")
        return node

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        if not token:
            raise UnreadableFormula("the formula is incomplete")
        self._place += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise UnreadableFormula(f"{token!r} is missing")

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FormulaTooComplex("a formula that is nested too deeply")

    def _sum(self) -> Node:
        self._descend()
        terms = [self._term()]
        while self._next() in {"+", "-"}:
            terms.append(self._term())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Operation("sum", tuple(terms))

    def _term(self) -> Node:
        negative = self._sign()
        product = self._power()
        slashes = 0
        while True:
            token = self._next()
            if token in _TIMES:
                self._take()
                product = _product(product, self._signed_power())
            elif token in _OVER:
                slashes += 1
                if slashes > _MAX_SLASHES:
                    raise FormulaTooComplex(f"a term of more than {_MAX_SLASHES} slashes")
                self._take()
                bottom = self._signed_power()
                # 3/4x is three quarters of x, and \sqrt{3}/2i a half of it; x/2y and 1/xy are ambiguous.
                is_clear = isinstance(bottom, Number) and (isinstance(product, Number) or self._next() in _CONSTANTS)
                if self._starts_factor(self._next()) and not is_clear:
                    raise AmbiguousFormula("a product after a slash")
                product = Operation("quotient", (product, bottom))
            elif self._starts_factor(token):
                product = self._times_next(product)
            else:
                break
        return Operation("negative", (product,)) if negative else product

    def _sign(self) -> bool:
        negative = False
        while self._next() in {"+", "-"}:
            negative ^= self._take() == "-"
        return negative

    def _signed_power(self) -> Node:
        factor = (self._sign(), self._power())
        return Operation("negative", (factor[1],)) if factor[0] else factor[1]

    def _times_next(self, first: Node) -> Node:
        """The product of a factor and the next one, with no sign between them, or a mixed number."""
        # x2 and 2^{3}4 look like mistakes; a number after a closed group is a factor.
        if self._next()[0] in "0123456789." and self._tokens[self._place - 1] not in {")", "}", "]"}:
            raise UnreadableFormula("a number directly after a letter")
        second = self._power()
        is_fraction = (
            isinstance(second, Operation)
            and second.name == "quotient"
            and all(isinstance(part, Number) and part.value.denominator == 1 for part in second.operands)
        )
        if isinstance(first, Number) and self._tokens[self._place - 1] == "}" and is_fraction:
            return _mixed(first, second)
        return _product(first, second)

    def _starts_factor(self, token: str) -> bool:
        if token in _BARS:
            return not self._bars
        return bool(token) and bool(
            token[0].isalnum()
            or token[0] == "."
            or token in {"(", "[", "{", "\\{", "\\lfloor", "\\lceil", "\\lvert", "\\frac", "\\sqrt", "\\binom"}
            or token in _CONSTANTS
            or (token[0] == "\\" and (_GREEK.fullmatch(token[1:]) or token[1:] in _FUNCTIONS))
        )

    def _power(self) -> Node:
        base = self._postfix(self._atom())
        if self._next() != "^":
            return base
        self._take()
        return self._postfix(Operation("power", (base, self._exponent())))

    def _exponent(self) -> Node:
        """Towers bind to the right."""
        self._descend()
        exponent = self._signed_atom()
        if self._next() == "^":
            self._take()
            exponent = Operation("power", (exponent, self._exponent()))
        self._depth -= 1
        return exponent

    def _signed_atom(self) -> Node:
        negative = self._sign()
        atom = self._atom()
        return Operation("negative", (atom,)) if negative else atom

    def _postfix(self, node: Node) -> Node:
        if self._next() == "!":
            self._take()
            node = Operation("factorial", (node,))
            if self._next() == "!":
                raise UnreadableFormula("a double factorial")
        if self._next() == "°":
            self._take()
            node = Operation("degrees", (node,))
        return node

    def _atom(self) -> Node:
        token = self._take()
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return Number(Fraction(token.rstrip(".") if token.endswith(".") else token))
        if token in _PAIRS:
            return self._group(token)
        if token in _BARS:
            self._bars += 1
            inner = self._sum()
            self._bars -= 1
            self._expect(token)
            return Operation("abs", (inner,))
        if token in _CONSTANTS and self._next() != "_":
            return Constant(_CONSTANTS[token])
        if token[0] == "\\":
            return self._command(token[1:])
        if token.isalpha():
            return self._letter(token)
        raise UnreadableFormula(f"{token!r} is not part of a formula")

    def _group(self, opening: str) -> Node:
        bars, self._bars = self._bars, 0
        inner = self._sum()
        self._bars = bars
        self._expect(_PAIRS[opening])
        wrapper = _WRAPPERS.get(opening)
        return Operation(wrapper, (inner,)) if wrapper else inner

    def _letter(self, name: str) -> Node:
        if self._next() == "_":
            self._take()
            subscript = self._take()
            if subscript == "{":
                tokens: list[str] = []
                while self._next() != "}":
                    tokens.append(self._take())
                self._take()
                subscript = "".join(tokens)
            name += "_" + subscript
        elif name in _FUNCTION_LETTERS and self._next() == "(":
            raise UnreadableFormula("a function that is not defined here")
        return Letter(name)

    def _command(self, name: str) -> Node:
        if _GREEK.fullmatch(name):
            return self._letter(f"\\{name}")
        if name in {"frac", "binom"}:
            top, bottom = self._argument(), self._argument()
            return Operation("quotient" if name == "frac" else "binomial", (top, bottom))
        if name == "sqrt":
            self._descend()
            degree: Node = Number(Fraction(2))
            if self._next() == "[":
                degree = self._group(self._take())
            radicand = self._argument()
            self._depth -= 1
            return Operation("root", (degree, radicand))
        if name in _FUNCTIONS:
            return self._function(name)
        raise UnreadableFormula(f"\\{name} is not part of a formula")

    def _argument(self) -> Node:
        if self._next() == "{":
            return self._group(self._take())
        if not self._next().startswith("\\"):
            raise UnreadableFormula("an argument without braces")
        return self._atom()

    def _function(self, name: str) -> Node:
        """A named function, with its base, exponent and operand."""
        self._descend()
        base: Node | None = None
        if self._next() == "_":
            if name != "log":
                raise UnreadableFormula(f"\\{name} has no base")
            self._take()
            base = self._signed_atom()
        exponent: Node | None = None
        if self._next() == "^":
            self._take()
            exponent = self._exponent()
        if exponent == Operation("negative", (Number(Fraction(1)),)) and name in _INVERSES:
            name, exponent = _INVERSES[name], None
        operand = self._operand()
        self._depth -= 1
        call = Operation(name, (operand,) if base is None else (operand, base))
        return call if exponent is None else Operation("power", (call, exponent))

    def _operand(self) -> Node:
        """A function's operand: in brackets, or all factors up to the next operator or function."""
        if self._next() in {"(", "[", "{"}:
            operand = self._postfix(self._group(self._take()))
            if self._next() == "^":
                raise AmbiguousFormula("a power after a function")
            return operand
        operand = self._signed_power()
        while self._starts_factor(self._next()) and self._next()[1:] not in _FUNCTIONS:
            operand = self._times_next(operand)
        if self._next() in _OVER:
            follower = self._tokens[self._place + 1 : self._place + 2]
            if not (follower and follower[0][1:] in _FUNCTIONS):
                raise AmbiguousFormula("a slash after a function without brackets")
        return operand


def _product(first: Node, second: Node) -> Operation:
    """A flat product, so that a long one is not deeply nested."""
    factors = first.operands if isinstance(first, Operation) and first.name == "product" else (first,)
    return Operation("product", (*factors, second))


def _mixed(whole: Number, fraction: Node) -> Node:
    """2\\frac{1}{3} is 2 + 1/3; a number before an improper fraction is ambiguous."""
    assert isinstance(fraction, Operation)
    top, bottom = fraction.operands
    assert isinstance(top, Number)
    assert isinstance(bottom, Number)
    if whole.value.denominator != 1 or top.value >= bottom.value:
        raise AmbiguousFormula("a number directly before a fraction")
    return Operation("sum", (whole, fraction))
