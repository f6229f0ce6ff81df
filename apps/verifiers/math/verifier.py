r"""`math`: compares answers like those of MATH and GSM8K, by structure first and by Math-Verify if that does not decide.

Math-Verify alone reads `4_9` as 4, `1 1/2` as a product, `R-r` as 0, `5:3:2` as a division, every interval `(2,1)` as the
same empty set and `even` as the product of its letters. Brackets, lists, sets, numbers, bases, words and units are
therefore parsed here, formulas are compared by their values, and Math-Verify handles only the rest: sums, integrals,
named functions. It never runs in the caller's process.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

from apps.verifiers.base import MATCH, NO_MATCH, Grade, GradeOutcome, Verifier, match_if, unparsed
from apps.verifiers.latex.normalize import MAX_CHARACTERS, clean
from apps.verifiers.math.atoms import PROSE, Algebra, Prose, compare_leaves, read_leaf
from apps.verifiers.math.kinds.choices import compare_choices
from apps.verifiers.math.kinds.dates import compare_dates
from apps.verifiers.math.kinds.words import compare_yes_no
from apps.verifiers.math.quantities.numbers import Quantity, compare_quantities, read_measure, read_quantity
from apps.verifiers.math.sets.solution_sets import compare_sets
from apps.verifiers.math.structure import (
    MATRIX,
    RELATION,
    UNORDERED,
    Shape,
    has_spaced_commas,
    read_as_list,
    read_grouped_shape,
    read_shape,
)

_MAX_PARTS = 40
MEASURE_AND_OTHER = "a measurement in several units is compared with another kind of answer"
_SIMPLE_DIGITS = 18


class _Reading(NamedTuple):
    """One side, parsed. `alternatives` are the shapes that result if its commas are taken in another way."""

    cleaned: str
    quantity: Quantity | None
    measure: Quantity | None
    shape: Shape
    alternatives: tuple[Shape, ...]


def quick(reference: str, answer: str) -> GradeOutcome | None:
    """The outcome without computer algebra; None where only computer algebra can decide."""
    reference, answer = reference.strip(), answer.strip()
    if _is_integer(reference) and _is_integer(answer):
        return match_if(equal=int(reference) == int(answer))
    return _compare(reference, answer, lambda _reference, _answer: None)


def thorough(reference: str, answer: str) -> GradeOutcome:
    """The outcome with computer algebra. May take unbounded time and memory."""
    # Importing sympy takes a second and 80 MB, which only a grading child should pay.
    from apps.verifiers.math.symbolic import expressions_agree

    return _compare(reference, answer, expressions_agree) or unparsed("the answers cannot be compared")


def _is_integer(text: str) -> bool:
    return len(text) <= _SIMPLE_DIGITS and text.isascii() and text.removeprefix("-").isdigit()


def _compare(reference: str, answer: str, algebra: Algebra) -> GradeOutcome | None:
    if max(len(reference), len(answer)) > MAX_CHARACTERS:
        return MATCH if reference == answer else unparsed(f"longer than {MAX_CHARACTERS} characters")
    expected, actual = _reading(reference), _reading(answer)
    if not expected.cleaned or not actual.cleaned:
        return unparsed(f"the {'answer' if expected.cleaned else 'reference answer'} is empty")
    if expected.measure or actual.measure:
        first, second = expected.measure or expected.quantity, actual.measure or actual.quantity
        return compare_quantities(first, second) if first and second else unparsed(MEASURE_AND_OTHER)
    if expected.cleaned == actual.cleaned or (
        expected.quantity and actual.quantity and compare_quantities(expected.quantity, actual.quantity) == MATCH
    ):
        return MATCH
    for compare in (compare_choices, compare_dates, compare_sets, compare_yes_no):
        outcome = compare(expected.cleaned, actual.cleaned)
        if outcome is not None:
            return outcome
    return _compare_readings(expected, actual, algebra)


@lru_cache(maxsize=2048)
def _reading(text: str) -> _Reading:
    """Cached: one reference answer is compared with many answers, and rollouts repeat theirs."""
    cleaned = clean(text)
    shape, as_list, grouped = read_shape(cleaned), read_as_list(cleaned), read_grouped_shape(cleaned)
    if grouped and has_spaced_commas(cleaned):
        shape, grouped = grouped, None
    alternatives = tuple(alternative for alternative in (as_list, grouped) if alternative)
    return _Reading(cleaned, read_quantity(cleaned), read_measure(cleaned), shape, alternatives)


def _compare_readings(expected: _Reading, actual: _Reading, algebra: Algebra) -> GradeOutcome | None:
    """A comma between digits may separate or group: one matching pair of readings is enough."""
    outcome = _compare_shapes(expected.shape, actual.shape, algebra)
    if outcome != NO_MATCH or not (expected.alternatives or actual.alternatives):
        return outcome
    if expected.alternatives and actual.alternatives:
        pairs = list(zip(expected.alternatives, actual.alternatives, strict=False))
    else:
        pairs = [(expected.shape, alternative) for alternative in actual.alternatives]
        pairs += [(alternative, actual.shape) for alternative in expected.alternatives]
    for first, second in pairs:
        if first.brackets and second.brackets and _compare_shapes(first, second, algebra) == MATCH:
            return MATCH
    return outcome


def _compare_shapes(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    if not reference.brackets and not answer.brackets:
        return compare_leaves(reference, answer, algebra)
    if reference.variable and answer.variable and reference.variable != answer.variable:
        return NO_MATCH
    if reference.brackets != answer.brackets:
        return _compare_unlike(reference, answer, algebra)
    first, second = reference.parts, answer.parts
    has_same_length = len(first) == len(second)
    is_unordered = reference.brackets == UNORDERED
    if is_unordered and not has_same_length:
        # An element that a set names twice counts once: `\pm 0` is 0.
        first, second = _distinct(first, algebra), _distinct(second, algebra)
    if len(first) != len(second):
        return _reject_unless_prose(reference, answer)
    has_same_names = _has_several_variables(reference) == _has_several_variables(answer)
    if has_same_length and not (is_unordered and has_same_names):
        return _compare_in_order(reference, answer, algebra)
    return _compare_lists(first, second, algebra)


def _distinct(parts: tuple[Shape, ...], algebra: Algebra) -> tuple[Shape, ...]:
    distinct: list[Shape] = []
    for part in parts[:_MAX_PARTS]:
        if not any(_compare_shapes(part, other, algebra) == MATCH for other in distinct):
            distinct.append(part)
    return tuple(distinct)


def _compare_unlike(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    """Two shapes with different brackets, which mostly differ. Sets such as `(2,\\infty)` and `x>2` come here too."""
    for shape, other in ((reference, answer), (answer, reference)):
        if shape.brackets == UNORDERED and not other.brackets:
            elements = _distinct(shape.parts, algebra) if len(shape.parts) < 3 else shape.parts
            if len(elements) == 1:
                pair = (elements[0], other) if shape is reference else (other, elements[0])
                return _compare_shapes(*pair, algebra)
    if reference.is_vector or answer.is_vector:
        return _compare_vectors(reference, answer, algebra)
    brackets = {reference.brackets, answer.brackets}
    if UNORDERED in brackets and "()" in brackets:
        return _compare_named_pair(reference, answer, algebra)
    if UNORDERED not in brackets and _is_relation(reference) != _is_relation(answer):
        return algebra(reference.whole, answer.whole)
    if "" in brackets and any(side.brackets.startswith(MATRIX) for side in (reference, answer)):
        return algebra(reference.whole, answer.whole)
    return _reject_unless_prose(reference, answer)


def _compare_vectors(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    """A column, `(1,2)` and angle brackets denote one vector; a row compared with a column is ambiguous."""
    if len(reference.parts) != len(answer.parts):
        return _reject_unless_prose(reference, answer)
    outcome = _compare_in_order(reference, answer, algebra)
    has_tuple = any(side.brackets == "()" or side.brackets.startswith("\\langle") for side in (reference, answer))
    if outcome == MATCH and not has_tuple:
        return unparsed("a row vector is compared with a column vector")
    return outcome


def _compare_named_pair(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    """`x=1, y=2` is (1,2) if the variables are in alphabetical order."""
    named, other = (reference, answer) if reference.brackets == UNORDERED else (answer, reference)
    names = [part.variable for part in named.parts]
    if len(named.parts) != len(other.parts) or not all(names) or len(set(names)) < len(names):
        return _reject_unless_prose(reference, answer)
    if names != sorted(names):
        return unparsed("the order of the variables is unknown")
    return _compare_in_order(reference, answer, algebra)


def _compare_in_order(reference: Shape, answer: Shape, algebra: Algebra) -> GradeOutcome | None:
    return _all([_compare_shapes(*pair, algebra) for pair in zip(reference.parts, answer.parts, strict=True)])


def _is_relation(shape: Shape) -> bool:
    return not shape.brackets and RELATION.search(shape.text) is not None


def _has_several_variables(shape: Shape) -> bool:
    """Whether the elements name their variables, `x=1, y=2`. Against a list that does not, the order must match."""
    return len({part.variable for part in shape.parts if part.variable}) > 1


def _reject_unless_prose(*shapes: Shape) -> GradeOutcome:
    prose = any(isinstance(read_leaf(leaf.text), Prose) for shape in shapes for leaf in shape.leaves())
    return unparsed(PROSE) if prose else NO_MATCH


def _all(outcomes: list[GradeOutcome | None]) -> GradeOutcome | None:
    """The worst outcome of the parts: one part that differs decides, whatever the others are."""
    if NO_MATCH in outcomes:
        return NO_MATCH
    if None in outcomes:
        return None
    return next((outcome for outcome in outcomes if outcome != MATCH), MATCH)


def _compare_lists(reference: tuple[Shape, ...], answer: tuple[Shape, ...], algebra: Algebra) -> GradeOutcome | None:
    """Each reference element takes one matching answer element, in any order."""
    if len(reference) > _MAX_PARTS:
        return unparsed(f"a list of more than {_MAX_PARTS} elements")
    remaining = list(answer)
    outcomes: list[GradeOutcome | None] = []
    for element in reference:
        attempts = [_compare_shapes(element, other, algebra) for other in remaining]
        if MATCH in attempts:
            remaining.pop(attempts.index(MATCH))
            continue
        undecided = [outcome for outcome in attempts if outcome is None or outcome.grade is Grade.UNPARSED]
        if not undecided:
            return NO_MATCH
        outcomes.append(None if None in undecided else undecided[0])
    return _all(outcomes)


MATH = Verifier(name="math", version=f"2+math-verify.{version('math-verify')}", quick=quick, thorough=thorough)
