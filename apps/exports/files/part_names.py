"""The names of an export's files, as the Hugging Face Hub expects them. Pure.

A project's slug is in none of them: `load_dataset` guesses splits from names, so a project called `test-...` would become
a split.
"""

from __future__ import annotations

WITHOUT_SPLITS = "data"


def part_name(split: str, index: int, count: int, container: str) -> str:
    """The name of file `index` (from 0) of `count`; `split` is empty for an export without splits."""
    return f"{split or WITHOUT_SPLITS}-{index:05d}-of-{count:05d}.{container}"
