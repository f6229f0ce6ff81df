from __future__ import annotations

import pytest

from apps.dashboard.templatetags.numbers import duration, milliseconds, share, thousands


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.24, "0.2 s"),
        (9.96, "10.0 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (120, "2 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_numbers_are_grouped_and_nothing_is_a_dash() -> None:
    assert (thousands(1234567), thousands(0), thousands(None)) == ("1,234,567", "0", "–")
    assert (share(0.126), share(None)) == ("13 %", "–")
    assert (milliseconds(90_000), milliseconds(None)) == ("1 min 30 s", "–")
