"""One line for every figure: `name value unit`."""

from __future__ import annotations

from collections.abc import Sequence


def tell(name: str, value: float, unit: str) -> None:
    print(f"{name} {value:.4g} {unit}" if value < 1000 else f"{name} {value:.0f} {unit}", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
