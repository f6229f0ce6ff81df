r"""`math`: answers as MATH and GSM8K have them, by structure first and by Math-Verify where that does not decide.

Math-Verify alone reads `4_9` as 4, `1 1/2` as a product, `R-r` as 0, `5:3:2` as a division, every interval `(2,1)` as the
same empty set and `even` as the product of its letters; so brackets, lists, sets, numbers, bases, words and units are
read here, formulas are compared by their values, and it gets what is left: sums, integrals, named functions. It never
runs in the caller's process.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

from apps.verifiers.base import MATCH, NO_MATCH, Grade, Outcome, Verifier, either, unparsed
from apps.verifiers.latex.normalize import MAX_CHARACTERS, clean
from apps.verifiers.math.atoms import PROSE, Algebra, Prose, compare_leaves, read_leaf
from apps.verifiers.math.kinds.choices import compare_choices
from apps.verifiers.math.kinds.dates import compare_dates
from apps.verifiers.math.kinds.words import compare_said
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
_SIMPLE_DIGITS = 18


class _Reading(NamedTuple):
    cleaned: str
    quantity: Quantity | None
    measure: Quantity | None
    shape: Shape
    others: tuple[Shape, ...]


def quick(reference: str, answer: str) -> Outcome | None:
    """The outcome without computer algebra; None where only that can tell."""
    reference, answer = reference.strip(), answer.strip()
    if _is_integer(reference) and _is_integer(answer):
        return either(equal=int(reference) == int(answer))
    return _compare(reference, answer, _not_here)


def thorough(reference: str, answer: str) -> Outcome:
    """As `quick`, with computer algebra. May take for ever, and all memory."""
    # Importing sympy takes a second and 80 MB, which only a grading child should pay.
    from apps.verifiers.math.symbolic import expressions_agree

    return _compare(reference, answer, expressions_agree) or unparsed("the answers cannot be compared")


def _is_integer(text: str) -> bool:
    return len(text) <= _SIMPLE_DIGITS and text.isascii() and text.removeprefix("-").isdigit()


def _not_here(reference: str, answer: str) -> None:
    """No computer algebra in this process."""


def _compare(reference: str, answer: str, algebra: Algebra) -> Outcome | None:
    if max(len(reference), len(answer)) > MAX_CHARACTERS:
        return MATCH if reference == answer else unparsed(f"longer than {MAX_CHARACTERS} characters")
    gold, given = _reading(reference), _reading(answer)
    if not gold.cleaned or not given.cleaned:
        return unparsed(f"the {'answer' if gold.cleaned else 'reference answer'} is empty")
    if gold.measure or given.measure:
        return _compare_measures(gold, given)
    if gold.cleaned == given.cleaned or (
        gold.quantity and given.quantity and compare_quantities(gold.quantity, given.quantity) == MATCH
    ):
        return MATCH
    for compare in (compare_choices, compare_dates, compare_sets, compare_said):
        outcome = compare(gold.cleaned, given.cleaned)
        if outcome is not None:
            return outcome
    return _compare_readings(gold, given, algebra)


@lru_cache(maxsize=2048)
def _reading(text: str) -> _Reading:
    """One reference answer meets many answers, and rollouts repeat theirs."""
    cleaned = clean(text)
    shape, as_list, grouped = read_shape(cleaned), read_as_list(cleaned), read_grouped_shape(cleaned)
    if grouped and has_spaced_commas(cleaned):
        shape, grouped = grouped, None
    others = tuple(other for other in (as_list, grouped) if other)
    return _Reading(cleaned, read_quantity(cleaned), read_measure(cleaned), shape, others)


def _compare_measures(gold: _Reading, given: _Reading) -> Outcome:
    left, right = gold.measure or gold.quantity, given.measure or given.quantity
    if left is None or right is None:
        return unparsed("a measure of several units beside something else")
    return compare_quantities(left, right)


def _compare_readings(gold: _Reading, given: _Reading, algebra: Algebra) -> Outcome | None:
    """A comma between digits may separate or group: it is enough that one reading of each side is the same."""
    outcome = _compare_shapes(gold.shape, given.shape, algebra)
    if outcome != NO_MATCH or not (gold.others or given.others):
        return outcome
    if gold.others and given.others:
        pairs = list(zip(gold.others, given.others, strict=False))
    else:
        pairs = [(gold.shape, other) for other in given.others] + [(other, given.shape) for other in gold.others]
    for left, right in pairs:
        if left.brackets and right.brackets and _compare_shapes(left, right, algebra) == MATCH:
            return MATCH
    return outcome


def _compare_shapes(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    if not reference.brackets and not answer.brackets:
        return compare_leaves(reference, answer, algebra)
    if reference.variable and answer.variable and reference.variable != answer.variable:
        return NO_MATCH
    if reference.brackets != answer.brackets:
        return _compare_unlike(reference, answer, algebra)
    if len(reference.parts) != len(answer.parts):
        return _compare_lengths(reference, answer, algebra)
    if reference.brackets != UNORDERED or _labelled(reference) != _labelled(answer):
        return _all([_compare_shapes(*pair, algebra) for pair in zip(reference.parts, answer.parts, strict=True)])
    return _compare_lists(reference.parts, answer.parts, algebra)


def _compare_lengths(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """An element that a set names twice counts once: `\\pm 0` is 0."""
    if reference.brackets == UNORDERED:
        left, right = (_distinct(side.parts, algebra) for side in (reference, answer))
        if (len(left), len(right)) != (len(reference.parts), len(answer.parts)) and len(left) == len(right):
            return _compare_lists(left, right, algebra)
    return _refuse_prose(reference, answer)


def _distinct(parts: tuple[Shape, ...], algebra: Algebra) -> tuple[Shape, ...]:
    kept: list[Shape] = []
    for part in parts[:_MAX_PARTS]:
        if not any(_compare_shapes(part, other, algebra) == MATCH for other in kept):
            kept.append(part)
    return tuple(kept)


def _compare_unlike(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """`(2,\\infty)` against `x>2`, or against a union, is for sets to say. Other brackets differ for good."""
    for one, other in ((reference, answer), (answer, reference)):
        if one.brackets == UNORDERED and not other.brackets:
            single = _distinct(one.parts, algebra) if len(one.parts) < 3 else one.parts
            if len(single) == 1:
                return _compare_shapes(*((single[0], other) if one is reference else (other, single[0])), algebra)
    if reference.is_vector or answer.is_vector:
        return _compare_vectors(reference, answer, algebra)
    if UNORDERED in {reference.brackets, answer.brackets} and "()" in {reference.brackets, answer.brackets}:
        return _compare_named_pair(reference, answer, algebra)
    if UNORDERED not in {reference.brackets, answer.brackets} and _is_relation(reference) != _is_relation(answer):
        return algebra(reference.whole, answer.whole)
    if any(side.brackets.startswith(MATRIX) for side in (reference, answer)) and "" in {
        reference.brackets,
        answer.brackets,
    }:
        return algebra(reference.whole, answer.whole)
    return _refuse_prose(reference, answer)


def _compare_vectors(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """A column, `(1,2)` and angle brackets are one vector; a row beside a column nobody can tell."""
    if len(reference.parts) != len(answer.parts):
        return _refuse_prose(reference, answer)
    outcome = _all([_compare_shapes(*pair, algebra) for pair in zip(reference.parts, answer.parts, strict=True)])
    tuples = any(side.brackets == "()" or side.brackets.startswith("\\langle") for side in (reference, answer))
    return outcome if tuples or outcome != MATCH else unparsed("a vector in two layouts")


def _compare_named_pair(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """`x=1, y=2` is (1,2) where the letters come in their order."""
    named, other = (reference, answer) if reference.brackets == UNORDERED else (answer, reference)
    names = [part.variable for part in named.parts]
    if len(named.parts) != len(other.parts) or not all(names) or len(set(names)) < len(names):
        return _refuse_prose(reference, answer)
    if names != sorted(names):
        return unparsed("the order of the letters is not known")
    return _all([_compare_shapes(*pair, algebra) for pair in zip(reference.parts, answer.parts, strict=True)])


def _is_relation(shape: Shape) -> bool:
    return not shape.brackets and RELATION.search(shape.text) is not None


def _labelled(shape: Shape) -> bool:
    """In `x=1, y=2` each element says whose it is; against a list that does not, the order must tell."""
    return len({part.variable for part in shape.parts if part.variable}) > 1


def _refuse_prose(*shapes: Shape) -> Outcome:
    prose = any(isinstance(read_leaf(leaf.text), Prose) for shape in shapes for leaf in shape.leaves())
    return unparsed(PROSE) if prose else NO_MATCH


def _all(outcomes: list[Outcome | None]) -> Outcome | None:
    """The worst that was said of the parts: one that differs settles it, whatever the others are."""
    if NO_MATCH in outcomes:
        return NO_MATCH
    if None in outcomes:
        return None
    return next((outcome for outcome in outcomes if outcome != MATCH), MATCH)


def _compare_lists(reference: tuple[Shape, ...], answer: tuple[Shape, ...], algebra: Algebra) -> Outcome | None:
    """Each reference element takes one answer element that matches it, whatever their order."""
    if len(reference) > _MAX_PARTS:
        return unparsed(f"a list of more than {_MAX_PARTS} elements")
    left = list(answer)
    outcomes: list[Outcome | None] = []
    for element in reference:
        tried = [_compare_shapes(element, other, algebra) for other in left]
        if MATCH in tried:
            left.pop(tried.index(MATCH))
            continue
        undecided = [outcome for outcome in tried if outcome is None or outcome.grade is Grade.UNPARSED]
        if not undecided:
            return NO_MATCH
        outcomes.append(None if None in undecided else undecided[0])
    return _all(outcomes)


MATH = Verifier(name="math", version=f"2+math-verify.{version('math-verify')}", quick=quick, thorough=thorough)
