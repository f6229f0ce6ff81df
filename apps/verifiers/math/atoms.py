r"""Compares two single expressions, as far as possible without computer algebra.

A leaf is a plain number, a numeral in a base (`52_8`, whose base is part of the answer), words (`\text{east}`), prose,
which cannot be graded automatically, or a formula, which may have a unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, match_if, unparsed
from apps.verifiers.latex.normalize import canonical, untext
from apps.verifiers.math.formulas.identity import constant_difference, formulas_agree
from apps.verifiers.math.formulas.relations import compare_relations, result_of_equation
from apps.verifiers.math.kinds.choices import compare_choices
from apps.verifiers.math.kinds.dates import compare_dates
from apps.verifiers.math.kinds.ratios import compare_ratios
from apps.verifiers.math.kinds.words import compare_prose, compare_wordings, is_known_wording, is_none
from apps.verifiers.math.quantities.numbers import (
    NOISE,
    NOISY_DIGITS,
    ROUNDED_DIGITS,
    Quantity,
    compare_quantities,
    read_quantity,
)
from apps.verifiers.math.quantities.units import Likeness, Unit, common_measures, likeness, read_letter_unit, read_unit
from apps.verifiers.math.structure import RELATION, Shape

# Compares two LaTeX expressions; None where computer algebra is not available.
Algebra = Callable[[str, str], GradeOutcome | None]

PROSE = "the answer is prose"
_SPECIAL = (compare_choices, compare_dates, compare_ratios)


@dataclass(frozen=True, slots=True)
class Numeral:
    """`52_8`: digits and base."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A name, a direction, yes or no."""


@dataclass(frozen=True, slots=True)
class Prose:
    pass


@dataclass(frozen=True, slots=True)
class Expression:
    latex: str
    unit: Unit = Unit()


Leaf = Quantity | Numeral | Wording | Prose | Expression

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
    "sixteen": 16,
}
_NUMERAL = re.compile(
    r"(?P<sign>-?)\(?(?P<digits>[\dA-Fa-f][\dA-Fa-f.]*)\)?\s*(?:_\s?\{?\s*(?:base[\s-]*)?|,?\s?\(?\s*(?:in )?base[\s-]*)"
    rf"(?P<base>\d{{1,2}}|{'|'.join(_BASES)})\s*\}}?\)?"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_SHORT_WORDS = frozenset(
    ["yes", "no", "odd", "all", "tie", "dne", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "none"]
)
_WORDS = re.compile(r"[^\W\d_]+(?:[ .,'’!?-]+[^\W\d_]+)*")
_WORD = re.compile(r"[^\W\d_]{3,}")
# After an article, letters are a word and not a product: "the cat". `a` and `an` may be variables themselves, so the
# letters after them must look like a word.
_ARTICLE = re.compile(r"(?:the [^\W\d_]|an [aeiou][^\W\d_]|a (?=[^\W\d_]*[aeiouy])[^\W\d_]{3})")
# Capital letters name points: ABCD.
_LONG_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]?[a-z]{4,}(?![A-Za-z])")
_NAMES = re.compile(r"\\(?:begin|end)\s?\{[^{}]*\}|\\[A-Za-z]+")
_FOREIGN = re.compile(r"(?![A-Za-z])[^\W\d_]")
_ROMAN = re.compile(r"[IVXLC]{3,}")
_WHOLE_TEXT = re.compile(r"\\text\s?\{[^{}]*\}")
_TAIL = re.compile(
    r"(?P<space>\s?)(?P<unit>(?:\\text\s?\{(?:[^{}]|\{[^{}]*\})*\}(?:\^\{\d\})?[\s/]*)+|%|°(?:\s?(?:\\text\s?\{)?[CF]\}?)?"
    r"|(?<=[\d)}])\s?[A-Za-z]{2,}(?:\^\{\d\})?(?:\s?/\s?[A-Za-z]+(?:\^\{\d\})?)?|(?<=[A-Za-z])\s[A-Za-z]{2,}(?:\^\{\d\})?|(?<=[\d)}])\s[mgLlsh])$"
)
_TRIGONOMETRIC = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")
_ANGLE = re.compile(r"\\(?:pi|arc[a-z]{3})(?![A-Za-z])|\\(?:sin|cos|tan)\s?\^\{-1\}")
_RADIANS = (("radian", 1),)
_DEGREES = (("angle", 1),)


def read_leaf(cleaned: str) -> Leaf:
    plain = " ".join(untext(cleaned).split())
    quantity = read_quantity(cleaned) or (read_quantity(plain) if _WHOLE_TEXT.fullmatch(cleaned) else None)
    if quantity is not None:
        return quantity
    numeral = _NUMERAL.fullmatch(plain)
    if numeral:
        base = _BASES.get(numeral["base"]) or int(numeral["base"])
        return Numeral(numeral["sign"] + numeral["digits"].lstrip("0").upper(), base)
    # Letters are words if they are set as text, follow an article, or are at least four: `xyz` is a product.
    words = _WORD.findall(_COMMAND.sub(" ", plain))
    stripped = plain.strip(" ().,!?\"'`*").casefold()
    is_word = stripped in _SHORT_WORDS or any(len(word) > 3 for word in words) or '"' in plain
    is_word = is_word or _ARTICLE.match(stripped) is not None
    if _COMMAND.search(plain) is None and _WORDS.fullmatch(stripped) and ("\\text" in cleaned or is_word):
        return Wording() if len(stripped.split()) <= 5 else Prose()
    if is_word and len(words) > 2:
        return Prose()
    expression = _expression(cleaned)
    # A word, or a letter of another script, decides what the expression means: "exactly 15", "27 книг".
    has_words = (
        _FOREIGN.search(expression.latex)
        or _ROMAN.fullmatch(expression.latex)
        or _LONG_WORD.search(_NAMES.sub(" ", expression.latex))
    )
    return Prose() if has_words else expression


def compare_leaves(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    """If one side names its variable, the other may leave it out: `x=5` is 5. But `x=1` is not `y=1`."""
    differ = _variables_differ(reference, answer)
    if canonical(reference.text) == canonical(answer.text) and not differ:
        return MATCH
    for compare in _SPECIAL:
        outcome = compare(reference.text, answer.text)
        if outcome is not None:
            return NO_MATCH if differ else outcome
    if differ:
        if all(isinstance(read_leaf(side.text), Quantity | Wording) for side in (reference, answer)):
            return NO_MATCH
        return compare_relations(reference.whole, answer.whole) or algebra(reference.whole, answer.whole)
    if RELATION.search(reference.text) or RELATION.search(answer.text):
        return _compare_related(reference, answer, algebra)
    return _compare_texts(reference.text, answer.text, algebra)


def _compare_related(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    """Two leaves of which at least one is an equation or an inequality."""
    outcome = compare_relations(reference.whole, answer.whole)
    if outcome is not None:
        return outcome
    results = [result_of_equation(side.text) or side.text for side in (reference, answer)]
    if results != [reference.text, answer.text] and not any(map(RELATION.search, results)):
        return _compare_texts(results[0], results[1], algebra)
    leaves = [read_leaf(side.text) for side in (reference, answer)]
    if any(isinstance(leaf, Prose | Wording) for leaf in leaves):
        return unparsed(PROSE)
    return algebra(reference.whole, answer.whole)


def _compare_texts(reference: str, answer: str, algebra: Algebra) -> GradeOutcome | None:
    first, second = read_leaf(reference), read_leaf(answer)
    if isinstance(first, Prose) or isinstance(second, Prose):
        return compare_prose(reference, answer)
    if isinstance(first, Wording) or isinstance(second, Wording):
        number, words = (first, answer) if isinstance(first, Quantity) else (second, reference)
        if not isinstance(number, Quantity):
            return compare_wordings(reference, answer)
        # Unless their meaning is known, the words may denote the number.
        may_be_number = not is_known_wording(words) or (number.value == 0 and is_none(words))
        return unparsed("a word is compared with a number") if may_be_number or number.unit.label else NO_MATCH
    if isinstance(first, Quantity) and isinstance(second, Quantity):
        return compare_quantities(first, second)
    if isinstance(first, Numeral) or isinstance(second, Numeral):
        return match_if(equal=first == second)
    return _compare_expressions(first, second, algebra)


def _variables_differ(reference: Shape, answer: Shape) -> bool:
    """`f(x)` and `y` name the same value; `R` and `r` do not."""
    names = {reference.variable, answer.variable} - {""}
    if len(names) < 2:
        return False
    plain = {name.removeprefix("\\text{").removesuffix("}") for name in names}
    if len(plain) == 1 or (len({name.casefold() for name in plain}) == 1 and all(len(name) > 2 for name in plain)):
        return False
    return not ("y" in plain and any(re.fullmatch(r"[fgh]\(x\)", name) for name in plain))


def _as_expression(leaf: Leaf) -> Expression:
    if isinstance(leaf, Quantity):
        return Expression(leaf.latex, leaf.unit)
    assert isinstance(leaf, Expression)
    return leaf


def _compare_expressions(first: Leaf, second: Leaf, algebra: Algebra) -> GradeOutcome | None:
    """Two leaves of which at least one is a formula, with their units."""
    reference, answer = _as_expression(first), _as_expression(second)
    reference, answer = _with_letter_unit(reference, answer), _with_letter_unit(answer, reference)
    alike = likeness(reference.unit, answer.unit)
    angles = _compare_angles(reference, answer)
    if angles is not None:
        return angles
    if alike is Likeness.CONTRADICTORY:
        return NO_MATCH
    common = common_measures(reference.unit, answer.unit)
    if common and not any(measure == other for measure, other in common):
        scaled = [
            rf"({side.latex}) \cdot \frac{{{measure.factor.numerator}}}{{{measure.factor.denominator}}}"
            for side, measure in zip((reference, answer), common[0], strict=True)
        ]
        return _equal(scaled[0], scaled[1], algebra)
    outcome = _equal(reference.latex, answer.latex, algebra)
    if outcome == NO_MATCH and _rounds(first, second):
        outcome = MATCH
    if reference.unit.percent != answer.unit.percent and outcome == NO_MATCH:
        outcome = _equal(_share(reference), _share(answer), algebra)
    if outcome == MATCH and alike is Likeness.UNKNOWN:
        return unparsed("the units cannot be compared")
    return outcome


def _equal(reference: str, answer: str, algebra: Algebra) -> GradeOutcome | None:
    return formulas_agree(reference, answer) or algebra(reference, answer)


def _rounds(first: Leaf, second: Leaf) -> bool:
    """Whether one side is a decimal of six digits or more, rounded from the other, which is not a decimal."""
    for decimal, exact in ((first, second), (second, first)):
        if isinstance(decimal, Quantity) and decimal.digits >= ROUNDED_DIGITS and isinstance(exact, Expression):
            difference = constant_difference(decimal.latex, exact.latex)
            noise = float(NOISE * abs(decimal.value)) if decimal.digits >= NOISY_DIGITS else 0.0
            if difference is not None and difference < max(float(decimal.step), noise):
                return True
    return False


def _with_letter_unit(expression: Expression, other: Expression) -> Expression:
    """`8m` compared with `8\\text{ m}`: the letter is a unit if the other side has one."""
    if expression.unit or not other.unit.measures:
        return expression
    unit = read_letter_unit(expression.latex[-1:])
    if unit is None or not re.search(r"[\d)}]\s?[A-Za-z]$", expression.latex):
        return expression
    return Expression(expression.latex[:-1].strip(), unit)


def _compare_angles(reference: Expression, answer: Expression) -> GradeOutcome | None:
    """30° is \\pi/6, with or without the word radians; None unless exactly one side is in degrees."""
    dimensions = [{measure.dimension for measure in side.unit.measures} for side in (reference, answer)]
    degrees = [_DEGREES in side for side in dimensions]
    if degrees[0] == degrees[1]:
        return None
    other, expression = (dimensions[1], answer) if degrees[0] else (dimensions[0], reference)
    if other != {_RADIANS} and (other or not _ANGLE.search(expression.latex)):
        return None
    sides = [
        rf"({side.latex}) \cdot \frac{{\pi}}{{180}}" if is_degrees else side.latex
        for side, is_degrees in zip((reference, answer), degrees, strict=True)
    ]
    outcome = formulas_agree(*sides)
    # Without a unit, the number may be in degrees too.
    return None if outcome is None or (outcome == NO_MATCH and not other) else outcome


def _share(expression: Expression) -> str:
    return rf"\frac{{{expression.latex}}}{{100}}" if expression.unit.percent else expression.latex


def _expression(cleaned: str) -> Expression:
    """A formula and the unit at its end."""
    tail = _TAIL.search(cleaned)
    if tail is None or not tail.start():
        return Expression(cleaned)
    name = tail["unit"]
    unit = read_letter_unit(name.strip()) if len(name.strip()) == 1 and name[0] == " " else None
    unit = unit or read_unit(name.strip(), glued=not tail["space"] and not name.startswith(" "))
    follows_letter = name.startswith(" ") and cleaned[tail.start("unit") - 1].isalpha()
    if unit is None or not (unit or "\\text" in name) or (follows_letter and not unit.measures):
        return Expression(cleaned)
    if name == "°":
        if _TRIGONOMETRIC.search(cleaned):
            return Expression(cleaned)
        return Expression(cleaned.replace("°", "").strip(), unit)
    return Expression(cleaned[: tail.start()].strip(), unit)
