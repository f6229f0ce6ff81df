r"""`choice`: one letter from A to J, in any customary form: `(B)`, `B.`, `\text{(B)}`, `Answer: b`, `B) 12 cm`.

Two letters are not a choice, and neither is a sentence that begins with a letter ("A dog").
"""

from __future__ import annotations

import re

from apps.verifiers.base import GradeOutcome, Verifier, match_if, unparsed
from apps.verifiers.latex.normalize import MAX_CHARACTERS, clean, untext

_CHOICE = re.compile(
    r"(?:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?\s?:?\s?)?(?:option\s|choice\s)?"
    r"(?:\(\s?(?P<bracketed>[A-J])\s?\)|(?P<bare>[A-J])(?=$|[).:,]))[).:,]?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ANOTHER = re.compile(r"\(\s?[A-J]\s?\)|^\s?(?:,|and|or|/|&)*\s?[A-J]\s?[).:,]*$")


def quick(reference: str, answer: str) -> GradeOutcome:
    expected, actual = read_choice(reference), read_choice(answer)
    if expected is None or actual is None:
        return unparsed(f"the {'reference' if expected is None else 'answer'} is not one letter from A to J")
    return match_if(equal=expected == actual)


def read_choice(text: str) -> str | None:
    """The letter in upper case, or None unless the text holds exactly one."""
    if len(text) > MAX_CHARACTERS:
        return None
    choice = _CHOICE.fullmatch(" ".join(untext(clean(text)).strip("*` ").split()))
    if choice is None or _ANOTHER.search(choice["rest"]):
        return None
    return (choice["bracketed"] or choice["bare"]).upper()


CHOICE = Verifier(name="choice", version="1", quick=quick)
