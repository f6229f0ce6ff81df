"""Draws principles by lot, the same for the same seed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from apps.judging.constitutions import Principle


def drawn_principles(principles: Sequence[Principle], seed: int, count: int) -> list[Principle]:
    """`count` principles in an order by lot. None comes again before all others have come as often."""

    def lot(place: int) -> bytes:
        return blake2b(f"{seed}:{principles[place].name}".encode(), digest_size=8).digest()

    order = sorted(range(len(principles)), key=lot)
    return [principles[order[number % len(order)]] for number in range(count)]
