"""`exact`: the same text, spaces, letter case and LaTeX layout aside. Nothing is computed."""

from __future__ import annotations

from apps.verifiers.base import Outcome, Verifier, either, unparsed
from apps.verifiers.latex.normalize import canonical, clean, untext


def quick(reference: str, answer: str) -> Outcome:
    gold, given = _normal(reference), _normal(answer)
    if not gold or not given:
        return unparsed(f"the {'answer' if gold else 'reference answer'} is empty")
    return either(equal=gold == given)


def _normal(text: str) -> str:
    return canonical(" ".join(untext(clean(text)).split())).casefold()


EXACT = Verifier(name="exact", version="1", quick=quick)
