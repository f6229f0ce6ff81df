r"""The answer of a text that nobody told to stop: none where the text states two.

A completer that goes on with a task of its own, and marks it in no way, ends with the answer to that. The statement that
comes last decides only where those before it agree with it, are taken back, or are steps on its way; else nobody can
say which one answers the question that was asked, and an answer that may belong to another one would be a wrong label.
"""

from __future__ import annotations

from dataclasses import replace

from apps.verifiers.base import Grade
from apps.verifiers.extraction.final_answer import Statement, last_statement, own_text, statements
from apps.verifiers.extraction.next_question import asks
from apps.verifiers.extraction.retractions import retraction_of
from apps.verifiers.math.verifier import quick


def sole_answer(text: str) -> str | None:
    """As `extract_answer`, and None where the text states another answer before and does not take it back."""
    own = own_text(text)
    last = last_statement(own)
    if last is None:
        return None
    held, *later = [*(one for one in statements(own) if one.start < last.start), last]
    announced = [one for one in later if not one.is_box]
    for one in later:
        if not (_is_followed(own, held, one) or _is_on_the_way(own, held, announced)):
            return None
        # An answer that was announced stays one where a box says it again.
        is_same = _likeness(held.answer or "", one.answer or "") is Grade.MATCH
        held = replace(one, is_box=one.is_box and (held.is_box or not is_same))
    return last.answer


def _is_followed(text: str, held: Statement, later: Statement) -> bool:
    """Whether the later statement may stand in the place of the one before it."""
    likeness = _likeness(held.answer or "", later.answer or "")
    if likeness is Grade.MATCH:
        return True
    between = text[held.end : later.start]
    place = retraction_of(text, held.end, later.start, held.answer or "")
    if place is not None and not asks(text[held.end : place]):
        return True
    # A box within a sentence is a step, and so are two in one paragraph; an option beside its value contradicts nothing.
    is_step = held.is_box and later.is_box and ("\n\n" not in between or not held.ends_sentence)
    return (is_step or likeness is Grade.UNPARSED) and not asks(between)


def _is_on_the_way(text: str, held: Statement, announced: list[Statement]) -> bool:
    """Whether a bare box holds an intermediate result: an announcement follows, and no task in between."""
    after = next((one for one in announced if one.start > held.start), None)
    return held.is_box and after is not None and not asks(text[held.end : after.start])


def _likeness(one: str, other: str) -> Grade:
    """What only computer algebra can tell apart is not told apart here."""
    if one == other:
        return Grade.MATCH
    if not one or not other:
        return Grade.UNPARSED
    outcome = quick(one, other)
    return outcome.grade if outcome else Grade.UNPARSED
