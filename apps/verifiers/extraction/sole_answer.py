r"""Extracts the only answer of a text from a model that was given no stop sequence: None where it states two answers.

A completion model that continues with another task, without marking it, ends with the answer to that task. The last
statement counts only if the earlier ones agree with it, are retracted, or are steps towards it. Otherwise it is
ambiguous which statement answers the question, and the answer to another question would be a wrong label.
"""

from __future__ import annotations

from dataclasses import replace

from apps.verifiers.base import Grade
from apps.verifiers.extraction.final_answer import (
    Statement,
    is_only_statement,
    last_statement,
    own_text,
    statements,
)
from apps.verifiers.extraction.next_question import poses_task
from apps.verifiers.extraction.retractions import retraction_of
from apps.verifiers.math.verifier import quick


def sole_answer(text: str) -> str | None:
    """Like `extract_answer`, but None where the text states another answer earlier and does not retract it."""
    own = own_text(text)
    last = last_statement(own)
    if last is None:
        return None
    if is_only_statement(own, last):
        return last.answer
    current, *later = [*(statement for statement in statements(own) if statement.start < last.start), last]
    announced = [statement for statement in later if not statement.is_box]
    for statement in later:
        if not _is_superseded(own, current, statement):
            # A bare box may hold an intermediate result if an announcement follows, with no task in between.
            following = next((later for later in announced if later.start > current.start), None)
            if not current.is_box or following is None or poses_task(own[current.end : following.start]):
                return None
        # An announced answer still counts as announced where a box repeats it.
        is_same = _compare(current.answer or "", statement.answer or "") is Grade.MATCH
        current = replace(statement, is_box=statement.is_box and (current.is_box or not is_same))
    return last.answer


def _is_superseded(text: str, earlier: Statement, later: Statement) -> bool:
    """Whether the later statement may replace the earlier one."""
    grade = _compare(earlier.answer or "", later.answer or "")
    if grade is Grade.MATCH:
        return True
    between = text[earlier.end : later.start]
    place = retraction_of(text, earlier.end, later.start, earlier.answer or "")
    if place is not None and not poses_task(text[earlier.end : place]):
        return True
    # A box within a sentence is a step, and so are two in one paragraph. An option does not contradict its value.
    is_step = earlier.is_box and later.is_box and ("\n\n" not in between or not earlier.ends_sentence)
    return (is_step or grade is Grade.UNPARSED) and not poses_task(between)


def _compare(first: str, second: str) -> Grade:
    """Without computer algebra: answers that require it are unparsed."""
    if first == second:
        return Grade.MATCH
    if not first or not second:
        return Grade.UNPARSED
    outcome = quick(first, second)
    return outcome.grade if outcome else Grade.UNPARSED
