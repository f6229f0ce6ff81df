"""What a completion states: its answer, unless it was cut before it came to one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from apps.inference.types import Choice
from apps.verifiers.extraction.final_answer import own_text
from apps.verifiers.extraction.sole_answer import sole_answer


@dataclass(frozen=True, slots=True)
class Completion:
    """`own` is the part of the text that belongs to the question that was asked."""

    own: str
    answer: str | None
    is_cut: bool


def read_completion(choice: Choice, last_step: str = "") -> Completion:
    """An empty completion may mean that the prefix, which ends with `last_step`, was final already.

    A completer that went on with a question of its own had come to an end before the limit cut it. One that did so
    without a word that marks it states two answers: then it states none.
    """
    own = own_text(choice.text)
    went_on = bool(own) and not choice.text.rstrip().endswith(own.rstrip())
    if choice.is_cut and not went_on:
        return Completion(own, None, is_cut=True)
    return Completion(own, sole_answer(own if choice.text.strip() else last_step), is_cut=False)
