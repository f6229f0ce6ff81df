"""The verifiers by name. A new verifier is one module with a `Verifier` in it, and one line here."""

from __future__ import annotations

from apps.verifiers.base import Verifier
from apps.verifiers.choice import CHOICE
from apps.verifiers.exact import EXACT
from apps.verifiers.math.verifier import MATH
from apps.verifiers.numeric import NUMERIC

VERIFIERS: dict[str, Verifier] = {verifier.name: verifier for verifier in (MATH, NUMERIC, EXACT, CHOICE)}


class UnknownVerifier(ValueError):
    """No verifier has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no verifier {name!r}; there are {', '.join(VERIFIERS)}")


def verifier_named(name: str) -> Verifier:
    """The verifier of that name. Raises UnknownVerifier, which lists the existing names, for any other."""
    try:
        return VERIFIERS[name]
    except KeyError:
        raise UnknownVerifier(name) from None
