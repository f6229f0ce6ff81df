r"""Comparing two single expressions, as far as that goes without computer algebra.

What a leaf can be: a plain number, a numeral in a base (`52_8`, whose base is part of the answer), words
(`\text{east}`), prose that nobody should judge by machine, or an expression for computer algebra.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from apps.verifiers.latex import canonical, untext
from apps.verifiers.quantities import Quantity, quantities_agree, read_quantity
from apps.verifiers.shapes import RELATION, Shape
from apps.verifiers.units import Unit, contradict, read_unit
from apps.verifiers.verdicts import MATCH, NO_MATCH, Outcome, Verdict, either, unparsed

# Says whether two LaTeX expressions are equal; None where that cannot be said here and now.
Algebra = Callable[[str, str], Outcome | None]

PROSE = "the answer is prose"


@dataclass(frozen=True, slots=True)
class Numeral:
    """`52_8`: digits and base."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Words:
    """A name, a direction, yes or no, the letter of a choice."""


@dataclass(frozen=True, slots=True)
class Prose:
    pass


@dataclass(frozen=True, slots=True)
class Expression:
    latex: str
    unit: Unit = Unit()


Leaf = Quantity | Numeral | Words | Prose | Expression

_BASES = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
}
_NUMERAL = re.compile(
    r"(?P<sign>-?)\(?(?P<digits>\d[\dA-F.]*)\)?\s*(?:_\s?\{?\s*(?:base[\s-]*)?|\(?\s*base[\s-]*)"
    rf"(?P<base>\d{{1,2}}|{'|'.join(_BASES)})\s*\}}?\)?"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_SHORT_WORDS = frozenset(["yes", "no", "odd", "all", "tie", "dne"])
_WORDS = re.compile(r"[^\W\d_]+(?:[ .,'’!?-]+[^\W\d_]+)*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_TAIL = re.compile(
    r"(?P<space>\s?)(?P<unit>\\text\s?\{[^{}]*\}(?:\^\{\d\})?|%|°|(?<=[\d)}])\s?[A-Za-z]{2,}(?:\^\{\d\})?)$"
)


def read_leaf(cleaned: str) -> Leaf:
    quantity = read_quantity(cleaned)
    if quantity is not None:
        return quantity
    plain = " ".join(untext(cleaned).split())
    numeral = _NUMERAL.fullmatch(plain)
    if numeral:
        base = _BASES.get(numeral["base"]) or int(numeral["base"])
        return Numeral(numeral["sign"] + numeral["digits"].lstrip("0"), base)
    return _worded(cleaned, plain) or _expression(cleaned)


def compare_leaves(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """Where one side names its variable the other need not: `x=5` is 5. `x=1` is not `y=1`."""
    if canonical(reference.text) == canonical(answer.text) and not _variables_differ(reference, answer):
        return MATCH
    if _variables_differ(reference, answer):
        plain = all(isinstance(read_leaf(side.text), Quantity) for side in (reference, answer))
        return NO_MATCH if plain else algebra(reference.whole, answer.whole)
    if reference.variable != answer.variable and RELATION.search(reference.text + answer.text):
        return algebra(reference.whole, answer.whole)
    leaves = read_leaf(reference.text), read_leaf(answer.text)
    if any(isinstance(leaf, Words) for leaf in leaves) and not any(isinstance(leaf, Prose) for leaf in leaves):
        return either(equal=_spoken(reference.text) == _spoken(answer.text))
    return _compare(*leaves, algebra)


def _variables_differ(reference: Shape, answer: Shape) -> bool:
    return bool(reference.variable and answer.variable and reference.variable != answer.variable)


def _compare(reference: Leaf, answer: Leaf, algebra: Algebra) -> Outcome | None:
    if isinstance(reference, Quantity) and isinstance(answer, Quantity):
        return either(equal=quantities_agree(reference, answer))
    if isinstance(reference, Prose) or isinstance(answer, Prose):
        return unparsed(PROSE)
    if isinstance(reference, Numeral | Words) or isinstance(answer, Numeral | Words):
        return either(equal=reference == answer)
    return _by_algebra(_as_expression(reference), _as_expression(answer), algebra)


def _as_expression(leaf: Quantity | Expression) -> Expression:
    return leaf if isinstance(leaf, Expression) else Expression(leaf.latex, leaf.unit)


def _by_algebra(reference: Expression, answer: Expression, algebra: Algebra) -> Outcome | None:
    if contradict(reference.unit, answer.unit):
        return NO_MATCH
    outcome = algebra(reference.latex, answer.latex)
    if reference.unit.percent == answer.unit.percent or outcome is None or outcome.verdict is Verdict.MATCH:
        return outcome
    return algebra(_share(reference), _share(answer))


def _share(expression: Expression) -> str:
    return rf"\frac{{{expression.latex}}}{{100}}" if expression.unit.percent else expression.latex


def _worded(cleaned: str, plain: str) -> Words | Prose | None:
    """Letters are words when they are set as text, or when one has four of them: `xyz` is a product."""
    bare = _COMMAND.sub(" ", plain)
    spoken = _spoken(cleaned)
    long = spoken in _SHORT_WORDS or any(len(word) > 3 for word in _WORD.findall(bare))
    if _COMMAND.search(plain) is None and _WORDS.fullmatch(spoken) and ("\\text" in cleaned or long):
        return Words() if len(spoken.split()) <= 4 else Prose()
    return Prose() if long and len(_WORD.findall(bare)) > 2 else None


def _spoken(cleaned: str) -> str:
    return " ".join(untext(cleaned).split()).strip(" ().,!?").casefold()


def _expression(cleaned: str) -> Expression:
    tail = _TAIL.search(cleaned)
    if tail is None or not tail.start():
        return Expression(cleaned)
    unit = read_unit(tail["unit"], glued=not tail["space"])
    if unit is None or ((unit.scale, unit.percent, unit.known) == (1, False, "") and "\\text" not in tail["unit"]):
        return Expression(cleaned)
    return Expression(cleaned[: tail.start()].strip(), unit)
