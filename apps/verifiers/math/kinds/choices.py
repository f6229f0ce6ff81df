r"""The letter of a multiple choice under the verifier `math`: `(C)`, `\text{(C)}`, `Option C`, `C)`, `\textbf{(C)} 48`.

Such a letter is compared with other letters of choices in either case. Beside anything else it cannot be compared: the
options stand in the problem, which a verifier does not see.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.base import MATCH, NO_MATCH, Outcome, unparsed
from apps.verifiers.latex.normalize import canonical, untext

_CHOICE = re.compile(
    r"(?P<word>(?:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?\s?:?\s?)*)"
    r"(?:\(\s?(?P<bracketed>[A-Ja-j])\s?\)|\[\s?(?P<square>[A-J])\s?\]|(?P<bare>[A-J])(?P<mark>[).:]|(?=$)))[.:]?(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
_ANOTHER = re.compile(r"\(\s?[A-J]\s?\)|^\s?(?:,|and|or|/|&)+\s?[A-J]\s?[).:,]*$")
_OPERATOR = re.compile(r"\s*[-+*/^=<>!|'_\\(]")
_LETTER = re.compile(r"\(?([A-Ja-j])\)?")
# What options are of, where their letter names them: "Graph A", "Plan B".
_NAMED = re.compile(r"[A-Z]?[a-z]{2,}\s(?:\((?P<bracketed>[A-J])\)|(?P<bare>[A-J]))\.?")
# One letter of the same alphabet in two cases, bare: a variable or a choice?
LETTER_CASE = "a letter in two cases"


class Choice(NamedTuple):
    letter: str
    rest: str


def compare_choices(reference: str, answer: str) -> Outcome | None:
    """None where neither is marked as a choice."""
    named = _compare_named(reference, answer) or _compare_named(answer, reference)
    if named is not None:
        return named
    marked = read_choice(reference), read_choice(answer)
    if marked == (None, None):
        return _bare_letters(reference, answer)
    left, right = marked[0] or _bare(reference), marked[1] or _bare(answer)
    if left and right:
        if left.letter != right.letter:
            return NO_MATCH
        return _same_rest(left.rest, right.rest)
    choice, other = (left, answer) if left else (right, reference)
    assert choice is not None
    if choice.rest and canonical(choice.rest) == canonical(untext(other)):
        return MATCH
    return unparsed("the letter of a choice beside something else")


def read_choice(text: str) -> Choice | None:
    """None where the text is not marked as a choice; a bare capital is not."""
    plain = " ".join(untext(text).split())
    found = _CHOICE.fullmatch(plain)
    if found is None:
        return None
    rest = found["rest"].strip()
    is_bare = found["bare"] is not None and not found["mark"]
    if (is_bare and not found["word"]) or _ANOTHER.search(found["rest"]):
        return None
    is_clear = "\\text" in text or bool(found["word"])
    letter = found["bracketed"] or found["square"] or found["bare"]
    if not is_clear and (
        _OPERATOR.match(rest)
        or (len(rest) == 1 and rest.isalpha())
        or (letter.islower() and (rest or found["bracketed"] is None))
    ):
        return None
    if found["mark"] == ":" and rest and not is_clear and not rest[0].isspace() and not found["rest"][0].isspace():
        return None
    return Choice(letter.upper(), rest)


def _compare_named(text: str, other: str) -> Outcome | None:
    """`Graph A` beside nothing but the letter."""
    named, letter = _NAMED.fullmatch(" ".join(untext(text).split())), _bare(other) or read_choice(other)
    if named is None or letter is None or letter.rest:
        return None
    return MATCH if letter.letter == (named["bracketed"] or named["bare"]) else NO_MATCH


def _bare(text: str) -> Choice | None:
    letter = _LETTER.fullmatch(" ".join(untext(text).split()))
    return Choice(letter[1].upper(), "") if letter else None


def _bare_letters(reference: str, answer: str) -> Outcome | None:
    left, right = _bare(reference), _bare(answer)
    if left and right and left == right and untext(reference) != untext(answer) and left.letter in "ABCDE":
        return unparsed(LETTER_CASE)
    capital = next((bare for bare, text in ((left, reference), (right, answer)) if bare and text in "ABCDE"), None)
    if capital and (reference + answer).replace(capital.letter, "", 1).strip().isdigit():
        return unparsed("the letter of a choice beside something else")
    return None


def _same_rest(left: str, right: str) -> Outcome:
    if not left or not right or canonical(left).casefold() == canonical(right).casefold():
        return MATCH
    return unparsed("the same choice with two texts")
