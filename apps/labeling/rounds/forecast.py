"""When a round will be complete, at the observed pace, and before it opens at the pace of the team. Pure.

A forecast needs enough submissions over enough time, and is always a range: n submissions give their rate to about one
over the root of n. The pace of less than a day does not include nights and weekends, so such a forecast is in hours
of work and has no date.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MIN_SUBMISSIONS = 20
MIN_OBSERVED = timedelta(minutes=15)
WINDOW = timedelta(days=7)
# The work from which the pace of a team is known, before a round has one of its own.
PACE_WINDOW = timedelta(days=28)
DAY = timedelta(days=1)
# A completion more than ten years away is no forecast.
MAX_DISTANCE = timedelta(days=3650)
_Z = 1.96


@dataclass(frozen=True, slots=True)
class TeamPace:
    """How much a team labels: submissions and active hours in the last `days` days, weekends included."""

    submissions: int = 0
    hours: float = 0.0
    days: float = 0.0

    @property
    def is_known(self) -> bool:
        return self.submissions >= MIN_SUBMISSIONS and self.days >= 1 and self.hours > 0

    @property
    def hours_per_day(self) -> float:
        return self.hours / self.days

    @property
    def why_unknown(self) -> str:
        """Why there is no pace yet, as a clause; empty where there is one."""
        if self.is_known:
            return ""
        if self.submissions < MIN_SUBMISSIONS:
            return f"no pace yet: {self.submissions} of the {MIN_SUBMISSIONS} submissions that it takes"
        return "no pace yet: the team has worked for less than a day"

    def end(self, seconds: float, now: datetime) -> datetime | None:
        """When work of so many seconds is done; None where the pace is unknown, or that is years away."""
        if not self.is_known:
            return None
        distance = seconds / 3600 / self.hours_per_day
        return now + timedelta(days=distance) if distance <= MAX_DISTANCE.days else None


@dataclass(frozen=True, slots=True)
class RoundForecast:
    """The time that the rest takes, from `soonest` to `latest`: calendar time where `is_in_days`, else working time.

    `why_not` says why there is no forecast; it is also empty where nothing remains.
    """

    submissions: int = 0
    observed: timedelta = timedelta(0)
    soonest: timedelta | None = None
    latest: timedelta | None = None
    is_in_days: bool = False
    why_not: str = ""
    now: datetime | None = None

    @property
    def is_known(self) -> bool:
        return self.soonest is not None

    @property
    def first_day(self) -> datetime | None:
        return self.now + self.soonest if self.now and self.soonest is not None and self.is_in_days else None

    @property
    def last_day(self) -> datetime | None:
        return self.now + self.latest if self.now and self.latest is not None and self.is_in_days else None


def window_start(opened_at: datetime, now: datetime) -> datetime:
    """The time from which submissions are counted: the opening of the round, at most seven days ago."""
    return max(opened_at, now - WINDOW)


def forecast(*, remaining: int, submissions: int, since: datetime, now: datetime) -> RoundForecast:
    """How long `remaining` submissions take at the pace of the `submissions` since then."""
    observed = now - since
    if not remaining:
        return RoundForecast(submissions, observed)
    if submissions < MIN_SUBMISSIONS:
        reason = f"too early to say, with {submissions} of the {MIN_SUBMISSIONS} submissions that a forecast needs"
        return RoundForecast(submissions, observed, why_not=reason)
    if observed < MIN_OBSERVED:
        reason = f"too early to say; a forecast needs {MIN_OBSERVED.seconds // 60} minutes since the round opened"
        return RoundForecast(submissions, observed, why_not=reason)
    slack = _Z / math.sqrt(submissions)
    each = observed / submissions
    soonest, latest = remaining * each / (1 + slack), remaining * each / (1 - slack)
    if latest > MAX_DISTANCE:
        return RoundForecast(submissions, observed, why_not="more than ten years away at this pace")
    return RoundForecast(submissions, observed, soonest, latest, observed >= DAY, now=now)
