"""Completions of a prefix: the text that counts, and the answer that it states. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from apps.inference.types import CompletionChoice
from apps.verifiers.extraction.final_answer import own_text
from apps.verifiers.extraction.sole_answer import sole_answer


@dataclass(frozen=True, slots=True)
class Completion:
    """`own` is the part of the text that belongs to the prompted problem."""

    own: str
    answer: str | None
    is_cut: bool


def read_completion(choice: CompletionChoice, last_step: str = "") -> Completion:
    """Read a completion. If it is empty, its answer is that of `last_step`, with which the prefix ends.

    A completer that continues with a problem of its own has finished this one, so the token limit did not cut it off. If no
    mark separates the two, the text states two answers; then `answer` is None.
    """
    own = own_text(choice.text)
    has_next_problem = bool(own) and not choice.text.rstrip().endswith(own.rstrip())
    if choice.is_cut and not has_next_problem:
        return Completion(own, None, is_cut=True)
    return Completion(own, sole_answer(own if choice.text.strip() else last_step), is_cut=False)
