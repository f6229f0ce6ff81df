"""Numbers that tell apart and tell nothing else: what labelers see instead of ids.

Tasks are numbered in the order in which they are served, and problems in the order in which they came.
Gold comes from elsewhere in both: its ids would stand out from the row. A mask is as good as chance, the
same each time, never the same for two ids, and exact in JavaScript.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b

from django.conf import settings

HALF_BITS = 26
ROUNDS = 4


def opaque_id(kind: str, number: int) -> int:
    """Another number below 2**52, by a Feistel network: whatever its round function is, it can be undone."""
    left, right = divmod(number, 1 << HALF_BITS)
    for assignment in range(ROUNDS):
        left, right = right, left ^ _mix(f"{kind} {assignment} {right}")
    return left << HALF_BITS | right


def _mix(words: str) -> int:
    digest = blake2b(words.encode(), key=_key(), digest_size=4).digest()
    return int.from_bytes(digest) % (1 << HALF_BITS)


@cache
def _key() -> bytes:
    """Of this installation: nobody else can undo its masks."""
    return blake2b(settings.SECRET_KEY.encode(), person=b"masks").digest()
