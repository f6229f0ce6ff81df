"""`exact`: the same text, ignoring spaces, letter case and LaTeX layout. Nothing is computed."""

from __future__ import annotations

from apps.verifiers.base import GradeOutcome, Verifier, match_if, unparsed
from apps.verifiers.latex.normalize import canonical, clean, untext


def quick(reference: str, answer: str) -> GradeOutcome:
    expected, actual = _normal(reference), _normal(answer)
    if not expected or not actual:
        return unparsed(f"the {'answer' if expected else 'reference answer'} is empty")
    return match_if(equal=expected == actual)


def _normal(text: str) -> str:
    return canonical(" ".join(untext(clean(text)).split())).casefold()


EXACT = Verifier(name="exact", version="1", quick=quick)
