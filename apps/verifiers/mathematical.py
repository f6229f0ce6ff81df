r"""`math`: answers as MATH and GSM8K have them, by structure first and by Math-Verify where that does not decide.

Math-Verify alone reads `4_9` as 4, `1 1/2` as a product, `1e3` as e times 3, `2(3)` as 5, every interval `(2,1)` as the
same empty set and `even` as the product of its letters; so brackets, lists, numbers, bases, words and units are
read here, and it gets single expressions only. It never runs in the caller's process.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

from apps.verifiers.latex import MAX_CHARACTERS, clean
from apps.verifiers.leaves import PROSE, Algebra, Prose, compare_leaves, read_leaf
from apps.verifiers.quantities import Quantity, quantities_agree, read_quantity
from apps.verifiers.shapes import RELATION, Shape, read_as_list, read_shape
from apps.verifiers.verdicts import MATCH, NO_MATCH, Outcome, Verdict, Verifier, either, unparsed

_MAX_PARTS = 40
_SIMPLE_DIGITS = 18


class _Reading(NamedTuple):
    cleaned: str
    quantity: Quantity | None
    shape: Shape
    as_list: Shape | None


def quick(reference: str, answer: str) -> Outcome | None:
    """The outcome without computer algebra; None where only that can tell."""
    reference, answer = reference.strip(), answer.strip()
    if _is_integer(reference) and _is_integer(answer):
        return either(equal=int(reference) == int(answer))
    return _compare(reference, answer, _not_here)


def thorough(reference: str, answer: str) -> Outcome:
    """As `quick`, with computer algebra. May take for ever, and all memory."""
    # Importing sympy takes a second and 80 MB, which only a grading child should pay.
    from apps.verifiers.symbolic import expressions_agree

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
    if gold.cleaned == given.cleaned:
        return MATCH
    if gold.quantity and given.quantity and quantities_agree(gold.quantity, given.quantity):
        return MATCH
    outcome = _compare_shapes(gold.shape, given.shape, algebra)
    if outcome == NO_MATCH and gold.as_list and given.as_list:
        return _compare_shapes(gold.as_list, given.as_list, algebra)
    return outcome


@lru_cache(maxsize=2048)
def _reading(text: str) -> _Reading:
    """One reference answer meets many answers, and rollouts repeat theirs."""
    cleaned = clean(text)
    return _Reading(cleaned, read_quantity(cleaned), read_shape(cleaned), read_as_list(cleaned))


def _compare_shapes(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    if not reference.brackets and not answer.brackets:
        return compare_leaves(reference, answer, algebra)
    if reference.brackets != answer.brackets:
        return _compare_unlike(reference, answer, algebra)
    if len(reference.parts) != len(answer.parts):
        return _refuse_prose(reference, answer)
    if reference.brackets != ", " or _labelled(reference) != _labelled(answer):
        return _all([_compare_shapes(*pair, algebra) for pair in zip(reference.parts, answer.parts, strict=True)])
    return _compare_lists(reference.parts, answer.parts, algebra)


def _compare_unlike(reference: Shape, answer: Shape, algebra: Algebra) -> Outcome | None:
    """`(2,\\infty)` against `x>2`, or against a union, is for sets to say. Other brackets differ for good."""
    if ", " not in {reference.brackets, answer.brackets} and _is_relation(reference) != _is_relation(answer):
        return algebra(reference.whole, answer.whole)
    return _refuse_prose(reference, answer)


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
        undecided = [outcome for outcome in tried if outcome is None or outcome.verdict is Verdict.UNPARSED]
        if not undecided:
            return NO_MATCH
        outcomes.append(None if None in undecided else undecided[0])
    return _all(outcomes)


MATH = Verifier(name="math", version=f"1+math-verify.{version('math-verify')}", quick=quick, thorough=thorough)
