r"""Compares multiple-choice letters for the verifier `math`: `(C)`, `\text{(C)}`, `Option C`, `C)`, `\textbf{(C)} 48`.

Such a letter is compared with other choice letters, ignoring case. It cannot be compared with any other answer, because
the options are part of the problem, which a verifier does not see.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, match_if, unparsed
from apps.verifiers.latex.normalize import canonical, untext

_CHOICE = re.compile(
    r"(?P<word>(?:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?\s?:?\s?)*)"
    r"(?:\(\s?(?P<bracketed>[A-Ja-j])\s?\)|\[\s?(?P<square>[A-J])\s?\]|(?P<bare>[A-J])(?P<mark>[).:]|(?=$)))[.:]?(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
_ANOTHER = re.compile(r"\(\s?[A-J]\s?\)|^\s?(?:,|and|or|/|&)+\s?[A-J]\s?[).:,]*$")
_OPERATOR = re.compile(r"\s*[-+*/^=<>!|'_\\(]")
_LETTER = re.compile(r"\(?([A-Ja-j])\)?")
# A noun that the letter names: "Graph A", "Plan B".
_NAMED = re.compile(r"[A-Z]?[a-z]{2,}\s(?:\((?P<bracketed>[A-J])\)|(?P<bare>[A-J]))\.?")
# A bare letter may be a variable or a choice.
LETTER_CASE = "the same letter in upper and in lower case"
CHOICE_AND_OTHER = "the letter of a choice is compared with another kind of answer"


class ChoiceAnswer(NamedTuple):
    """The letter in upper case, and the text after it."""

    letter: str
    rest: str


def compare_choices(reference: str, answer: str) -> GradeOutcome | None:
    """None where neither is marked as a choice."""
    named = _compare_named(reference, answer) or _compare_named(answer, reference)
    if named is not None:
        return named
    marked = read_choice(reference), read_choice(answer)
    if marked == (None, None):
        return _compare_bare_letters(reference, answer)
    first, second = marked[0] or _bare(reference), marked[1] or _bare(answer)
    if first and second:
        texts = {canonical(choice.rest).casefold() for choice in (first, second) if choice.rest}
        if first.letter == second.letter and len(texts) > 1:
            return unparsed("the same choice with different texts")
        return match_if(equal=first.letter == second.letter)
    choice, other = (first, answer) if first else (second, reference)
    assert choice is not None
    if choice.rest and canonical(choice.rest) == canonical(untext(other)):
        return MATCH
    return unparsed(CHOICE_AND_OTHER)


def read_choice(text: str) -> ChoiceAnswer | None:
    """None where the text is not marked as a choice; a bare capital letter is not."""
    plain = " ".join(untext(text).split())
    choice = _CHOICE.fullmatch(plain)
    if choice is None:
        return None
    rest = choice["rest"].strip()
    is_bare = choice["bare"] is not None and not choice["mark"]
    if (is_bare and not choice["word"]) or _ANOTHER.search(choice["rest"]):
        return None
    is_clear = "\\text" in text or bool(choice["word"])
    letter = choice["bracketed"] or choice["square"] or choice["bare"]
    if not is_clear and (
        _OPERATOR.match(rest)
        or (len(rest) == 1 and rest.isalpha())
        or (letter.islower() and (rest or choice["bracketed"] is None))
    ):
        return None
    if choice["mark"] == ":" and rest and not is_clear and not rest[0].isspace() and not choice["rest"][0].isspace():
        return None
    return ChoiceAnswer(letter.upper(), rest)


def _compare_named(text: str, other: str) -> GradeOutcome | None:
    """`Graph A` compared with the letter alone."""
    named, letter = _NAMED.fullmatch(" ".join(untext(text).split())), _bare(other) or read_choice(other)
    if named is None or letter is None or letter.rest:
        return None
    return MATCH if letter.letter == (named["bracketed"] or named["bare"]) else NO_MATCH


def _bare(text: str) -> ChoiceAnswer | None:
    letter = _LETTER.fullmatch(" ".join(untext(text).split()))
    return ChoiceAnswer(letter[1].upper(), "") if letter else None


def _compare_bare_letters(reference: str, answer: str) -> GradeOutcome | None:
    """Unparsed where an unmarked letter may be a choice."""
    first, second = _bare(reference), _bare(answer)
    if first and second and first == second and untext(reference) != untext(answer) and first.letter in "ABCDE":
        return unparsed(LETTER_CASE)
    capital = next((bare for bare, text in ((first, reference), (second, answer)) if bare and text in "ABCDE"), None)
    if capital and (reference + answer).replace(capital.letter, "", 1).strip().isdigit():
        return unparsed(CHOICE_AND_OTHER)
    return None
