"""How many examples a property test draws: as many as it names in a whole run, a share of them in the fast lane."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100


def examples(count: int) -> settings:
    assert settings.default is not None
    return settings(max_examples=max(1, count * settings.default.max_examples // USUAL), deadline=None)
