"""When a round will be done, at the pace that was observed. Pure.

A pace is told only of enough submissions over enough time, and always as a range: what was handed in is a count, and
a count of n says its rate to about one over the root of n. A day says nothing of nights and weekends: until a whole day
has been observed, what is told is hours of work at this pace, and no date.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

FEWEST = 20
SHORTEST = timedelta(minutes=15)
WINDOW = timedelta(days=7)
DAY = timedelta(days=1)
# Further away than ten years is no forecast.
FARTHEST = timedelta(days=3650)
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Forecast:
    """The time that the rest takes, from `soonest` to `latest`: of the calendar where `is_in_days`, else of work.

    `why_not` says why there is none; it is empty where there is nothing left, too.
    """

    submissions: int = 0
    observed: timedelta = timedelta(0)
    soonest: timedelta | None = None
    latest: timedelta | None = None
    is_in_days: bool = False
    why_not: str = ""
    now: datetime | None = None

    @property
    def is_told(self) -> bool:
        return self.soonest is not None

    @property
    def first_day(self) -> datetime | None:
        return self.now + self.soonest if self.now and self.soonest is not None and self.is_in_days else None

    @property
    def last_day(self) -> datetime | None:
        return self.now + self.latest if self.now and self.latest is not None and self.is_in_days else None


def window_of(opened_at: datetime, now: datetime) -> datetime:
    """From when on submissions are counted: since the round opened, seven days at most."""
    return max(opened_at, now - WINDOW)


def forecast(*, left: int, submissions: int, since: datetime, now: datetime) -> Forecast:
    """How long `left` submissions take where so many were handed in since then."""
    observed = now - since
    if not left:
        return Forecast(submissions, observed)
    if submissions < FEWEST or observed < SHORTEST:
        return Forecast(submissions, observed, why_not=_too_early(submissions, observed))
    slack = _Z / math.sqrt(submissions)
    each = observed / submissions
    soonest, latest = left * each / (1 + slack), left * each / (1 - slack)
    if latest > FARTHEST:
        return Forecast(submissions, observed, why_not="more than ten years away at this pace")
    return Forecast(submissions, observed, soonest, latest, observed >= DAY, now=now)


def _too_early(submissions: int, observed: timedelta) -> str:
    if submissions < FEWEST:
        return f"too early to say: {submissions} of {FEWEST} submissions that a forecast needs"
    return f"too early to say: a forecast needs {SHORTEST.seconds // 60} minutes since the opening"
