"""Sentences about a file whose labels or splits are out of balance. Pure."""

from __future__ import annotations

from collections.abc import Mapping

RARE_SHARE = 0.05
SPLIT_MARGIN = 0.05  # How far the share of a split's rows may be from the share that was asked for.


def label_warnings(labels: Mapping[str, int]) -> list[str]:
    """`labels` are the classes that a trainer tells apart, with their counts."""
    counts = {label: count for label, count in labels.items() if count}
    if len(counts) == 1:
        return [f"All labels are {next(iter(counts))}: a trainer learns nothing from one class."]
    if not counts:
        return []
    rarest = min(counts, key=lambda label: counts[label])
    share = counts[rarest] / sum(counts.values())
    if share >= RARE_SHARE:
        return []
    return [f"Only {share:.1%} of the labels are {rarest}: a trainer that never predicts it is right almost always."]


def split_warnings(rows: Mapping[str, int], shares: Mapping[str, float]) -> list[str]:
    """`rows` of each split, and the share of each that the policy asks for."""
    total = sum(rows.values())
    if not total:
        return []
    far = [
        f"{name} has {rows.get(name, 0) / total:.0%} of the rows instead of {asked:.0%}"
        for name, asked in shares.items()
        if abs(rows.get(name, 0) / total - asked) > SPLIT_MARGIN or not rows.get(name)
    ]
    if not far:
        return []
    return [
        (
            f"The splits are not what was asked for: {', '.join(far)}. A problem is in one split with all its rows, and "
            "there are few problems, or some with many rows. Another split_seed makes other splits."
        )
    ]
