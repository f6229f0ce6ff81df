r"""`choice`: one letter out of A to J, however it is dressed: `(B)`, `B.`, `\text{(B)}`, `Answer: b`, `B) 12 cm`.

Two letters are no choice, and neither is a sentence that begins with one ("A dog").
"""

from __future__ import annotations

import re

from apps.verifiers.base import Outcome, Verifier, either, unparsed
from apps.verifiers.latex.normalize import MAX_CHARACTERS, clean, untext

_CHOICE = re.compile(
    r"(?:(?:the\s)?(?:correct\s|final\s)?(?:answer|option|choice)(?:\sis)?\s?:?\s?)?(?:option\s|choice\s)?"
    r"(?:\(\s?(?P<bracketed>[A-J])\s?\)|(?P<bare>[A-J])(?=$|[).:,]))[).:,]?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ANOTHER = re.compile(r"\(\s?[A-J]\s?\)|^\s?(?:,|and|or|/|&)*\s?[A-J]\s?[).:,]*$")


def quick(reference: str, answer: str) -> Outcome:
    gold, given = read_choice(reference), read_choice(answer)
    if gold is None or given is None:
        return unparsed(f"the {'reference' if gold is None else 'answer'} is not one letter from A to J")
    return either(equal=gold == given)


def read_choice(text: str) -> str | None:
    """The letter in upper case, or None where there is not exactly one."""
    if len(text) > MAX_CHARACTERS:
        return None
    found = _CHOICE.fullmatch(" ".join(untext(clean(text)).strip("*` ").split()))
    if found is None or _ANOTHER.search(found["rest"]):
        return None
    return (found["bracketed"] or found["bare"]).upper()


CHOICE = Verifier(name="choice", version="1", quick=quick)
