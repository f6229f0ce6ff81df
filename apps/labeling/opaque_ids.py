"""Opaque, stable ids shown to labelers instead of primary keys.

Tasks are numbered in the order in which they are served, and problems in the order of their import. Gold breaks that
order, so that real ids would reveal it. Opaque ids look random, never collide, and are exact in JavaScript.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b

from django.conf import settings

HALF_BITS = 26
ROUNDS = 4


def opaque_id(kind: str, number: int) -> int:
    """A number below 2**52, by a Feistel network, which is a bijection for any round function."""
    high, low = divmod(number, 1 << HALF_BITS)
    for round_number in range(ROUNDS):
        message = f"{kind} {round_number} {low}".encode()
        mixed = int.from_bytes(blake2b(message, key=_key(), digest_size=4).digest()) % (1 << HALF_BITS)
        high, low = low, high ^ mixed
    return high << HALF_BITS | low


@cache
def _key() -> bytes:
    """Derived from the installation's secret key, so that others cannot invert its ids."""
    return blake2b(settings.SECRET_KEY.encode(), person=b"masks").digest()
